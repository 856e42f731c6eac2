"""Parallel coordinates: every candidate of a search as a line through its parameters, coloured by its accuracy."""

import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from reports.core.looks import shortened, signs
from reports.core.search import candidates, parameters, search_report
from reports.core.settings import in_print
from reports.core.stats import percent
from reports.core.style import text_width

SHOWN = 10
"""Most rows of the table."""
ABSENT = "none"
"""What a candidate shows whose method has no such parameter."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a candidate and parameter: config, number, label, objective, chosen, parameter, value (text), and
    place, where in [0, 1] it is on the parameter's axis: numbers by size, texts evenly. Empty below two candidates.
    """
    frame = candidates(table)
    if len(frame) < 2:
        return pd.DataFrame()
    values, parts = parameters(table).reindex(frame["config"]), []
    for name in values:
        column = values[name].reset_index(drop=True)
        numeric = pd.api.types.is_numeric_dtype(column) and column.notna().all()
        texts = column.map("{:.3g}".format) if numeric else column.fillna(ABSENT).map(_text)
        ranks = column.astype(float) if numeric else texts.map({t: i for i, t in enumerate(sorted(set(texts)))})
        place = (ranks - ranks.min()) / max(ranks.max() - ranks.min(), 1e-12)
        chosen = frame[["config", "number", "label", "objective", "chosen"]]
        parts.append(chosen.assign(parameter=str(name), value=texts, place=place.astype(float)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each of the best candidates, and its parameters."""
    names = list(dict.fromkeys(points["parameter"]))
    wide = points.pivot(index="config", columns="parameter", values="value")[names]
    candidates = points.drop_duplicates("config").set_index("config")
    scores = candidates["objective"]
    best = scores.sort_values(ascending=False, kind="stable").head(SHOWN)
    shown = wide.loc[best.index].rename_axis(columns=None)
    shown.insert(0, "Candidate", candidates.loc[best.index, "number"].astype(int).astype(str))
    return shown.assign(Accuracy=best.map(percent)).reset_index(drop=True)


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    return (
        f"{points['config'].nunique()} candidates; a line is one of them, its colour the validation accuracy in "
        f"percent (the mean over corruptions, where they are measured). The table has the best {SHOWN} at most."
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns an axis for each parameter, its ends or values written on it, and one for the accuracy."""
    figure = Figure(figsize=(text_width(), 2.7), layout="constrained")
    axis = figure.subplots()
    names = list(dict.fromkeys(points["parameter"]))
    scores = points.drop_duplicates("config").set_index("config")["objective"].sort_values()
    low, high = 100 * scores.min(), 100 * scores.max()
    norm, colours = Normalize(low, high if high > low else low + 1), colormaps["viridis"]
    places = points.pivot(index="config", columns="parameter", values="place")[names]
    for config, score in scores.items():
        line = [*places.loc[config], (score - scores.min()) / max(scores.max() - scores.min(), 1e-12)]
        axis.plot(range(len(line)), line, color=colours(norm(100 * score)), linewidth=1.0, alpha=0.8)
    for index, name in enumerate(names):
        axis.axvline(index, color="0.3", linewidth=0.8)
        ticks = points[points["parameter"] == name].drop_duplicates("value").sort_values("place")
        for row in (ticks if len(ticks) <= 6 else ticks.iloc[[0, -1]]).itertuples():
            note = axis.text(
                index + 0.03, row.place, shortened(signs(row.value), 14), fontsize="small", va="center", zorder=4
            )
            note.set_path_effects([withStroke(linewidth=2, foreground="white")])
    axis.axvline(len(names), color="0.3", linewidth=0.8)
    printed = [signs(in_print(name)).replace(" ", "\n", 1) for name in names]
    axis.set_xticks(range(len(names) + 1), [*printed, "accuracy"])
    axis.set_yticks([])
    axis.grid(visible=False)
    axis.spines[["left", "bottom"]].set_visible(False)
    figure.colorbar(ScalarMappable(norm, colours), ax=axis, label="validation accuracy (%)")
    return figure


REPORT = search_report(title="Candidates by parameter", points=points, table=table, caption=caption, draw=draw)
