"""Ablation: which components a setting has, how accurate it is, and what it gains over the base (Erichson et al. 2022,
table 4). From any study whose settings differ in what is on or off, or in categories."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.core.cells import cell
from reports.core.compare import SETTING, compare, gain_note, gain_text, marks_note, p_text, with_gains
from reports.core.looks import marked, marked_note, shortened, signs
from reports.core.report import Report
from reports.core.settings import ABSENT, OFF, ON, bases, components, in_print
from reports.core.stats import MEASURES, by_trial, count_text, percent
from reports.core.style import PALETTE, printed_width, text_width

PREFIX = "component."
MARKS = {ON: "✓", OFF: "✗"}
SHOWN = ("clean", "corruption")
LONGEST = (60, 40, 28, 20, 14)
"""Characters of a level in the figure: the first with which the levels take less than half of it, else the last."""
GAP = 0.2
"""Inches between the levels of two components."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and measure: component.NAME (its level), what `compare` tells of its accuracy, and its
    gain over the setting with everything off (`reports.core.settings.bases`) as `with_gains` has it.

    Empty where no two settings differ.
    """
    levels, trials = components(table), by_trial(table)
    if not levels.shape[1] or trials.empty:
        return pd.DataFrame()
    long = trials.melt([*SETTING, "seed"], list(MEASURES), "measure", "value")
    frame = with_gains(compare(long, "measure"), long, "measure", bases(levels))
    return (
        levels.add_prefix(PREFIX)
        .reset_index()
        .merge(frame, on="config")
        .sort_values("measure", key=lambda m: m.map(list(MEASURES).index), kind="stable", ignore_index=True)
    )


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: its marks, n, accuracies and gain in percent, the gain's p."""
    rows = []
    for _, group in points.groupby("config", sort=False):
        cells = {title(name): MARKS.get(group[name].iloc[0], group[name].iloc[0]) for name in _names(points)}
        cells["n"] = str(group["n"].max())
        by_measure = {row.measure: row for row in group.itertuples()}
        for measure, row in by_measure.items():
            if measure in SHOWN:
                cells[MEASURES[measure]] = cell(percent(row.mean, row.std), row.best, row.worse)
        if (row := by_measure.get(_main(points))) is not None:
            cells["Gain"] = "-" if row.base else gain_text(row.gain, row.gain_low, row.gain_high)
            cells["p (Holm)"] = p_text(row.gain_p)
        rows.append(cells)
    frame = pd.DataFrame(rows).fillna("")
    return frame if points["base"].any() else frame.drop(columns=["Gain", "p (Holm)"])


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    shown, main = points[points["measure"].isin(SHOWN)], points[points["measure"] == _main(points)]
    measure = MEASURES[_main(points)].lower()
    gain, bars = gain_note(main, "the setting with everything off", measure, "bars"), ""
    if not main["base"].any():
        gain, bars = "No finished setting has everything off, so there is no gain.", " (bars)"
    return (
        f"Top-1 accuracy in percent, mean ± standard deviation{bars} over n = {count_text(points['n'])}. {gain} "
        f"{marks_note(shown, main, measure)}{marked_note(shown)}"
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the highest accuracy of each measure, and the gain there."""
    top = points.loc[points.groupby("measure")["mean"].idxmax()].set_index("measure")
    numbers = {f"best_accuracy.{measure}": float(top.loc[measure, "mean"]) for measure in top.index}
    return numbers | {f"best_gain.{m}": float(top.loc[m, "gain"]) for m in top.index if top.loc[m, "gain_n"]}


def draw(points: pd.DataFrame) -> Figure:
    """Returns the marks of each setting beside its gains, with 95% intervals; without a base beside its accuracies,
    with standard deviations. The best has a ring, what is significantly worse is hollow."""
    configs = list(dict.fromkeys(points["config"]))
    settings, widths = _printed(points.drop_duplicates("config")[_names(points)])
    measures = [m for m in SHOWN if m in points["measure"].to_numpy()]
    figure = Figure(figsize=(text_width(), 1.0 + 0.2 * len(configs)), layout="constrained")
    share = min(0.6, sum(widths) / text_width())
    left, *right = figure.subplots(
        1, 1 + len(measures), sharey=True, width_ratios=[share, *[(1 - share) / len(measures)] * len(measures)]
    )
    _marks(left, settings, widths)
    gained = points["base"].any()
    for axis, measure, colour in zip(right, measures, PALETTE, strict=False):
        rows = points[points["measure"] == measure].set_index("config").reindex(configs)
        if gained:
            x = rows["gain"]
            ends = x - rows["gain_low"], rows["gain_high"] - x
            axis.axvline(0, color="0.5", linestyle="--", linewidth=0.9, zorder=0)
        else:
            x, ends = rows["mean"], (rows["std"], rows["std"])
        places = range(len(configs))
        bars = [100 * end.fillna(0) for end in ends]
        axis.errorbar(100 * x, places, xerr=bars, fmt="none", ecolor=colour, capsize=2, linewidth=1)
        marked(axis, 100 * x.to_numpy(), places, rows["best"].eq(True), rows["worse"].eq(True), colour)
        axis.set(xlabel="gain (points)" if gained else "top-1 accuracy (%)", title=MEASURES[measure])
        axis.tick_params(left=False, labelleft=False)
    return figure


def _printed(settings: pd.DataFrame) -> tuple[pd.DataFrame, list[float]]:
    """Returns levels as the figure has them, as long as there is room, and the inches of each column."""
    for longest in LONGEST:
        texts = settings.map(lambda level, n=longest: MARKS.get(level) or shortened(signs(in_print(level)), n))
        widths = [GAP + max(map(printed_width, texts[name])) for name in texts]
        if sum(widths) < text_width() / 2:
            break
    return texts, widths


def _marks(axis: Axes, settings: pd.DataFrame, widths: list[float]) -> None:
    """Draws the components as columns of marks with these widths, the first setting on top."""
    centres = np.cumsum(widths) - np.array(widths) / 2
    for row, setting in enumerate(settings.to_numpy().tolist()):
        for x, text in zip(centres, setting, strict=True):
            mark = text in MARKS.values()
            off = text in (MARKS[OFF], ABSENT)
            axis.text(x, row, text, ha="center", va="center", color="0.65" if off else "black",
                      fontsize="medium" if mark else "small", fontweight="bold" if mark and not off else "normal",
                      in_layout=False)  # fmt: skip
    axis.set(xlim=(0, sum(widths)), ylim=(len(settings) - 0.4, -0.6), yticks=[])
    axis.set_xticks(centres, [signs(title(name).lower()) for name in settings], rotation=40, ha="left")
    axis.grid(False)
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.xaxis.tick_top()
    axis.tick_params(top=False)


def title(name: str) -> str:
    """Returns a component's column name as print shows it."""
    return in_print(name.removeprefix(PREFIX)).capitalize()


def _names(points: pd.DataFrame) -> list[str]:
    return [name for name in points if name.startswith(PREFIX)]


def _main(points: pd.DataFrame) -> str:
    """Returns the measure that gains are shown of: accuracy under corruption where it was measured."""
    return SHOWN[1] if SHOWN[1] in points["measure"].to_numpy() else SHOWN[0]


REPORT = Report(
    title="Ablation", points=points, table=table, caption=caption, headline=True, draw=draw, summary=summary
)
