"""What each component is worth: its effect averaged over all else, and how two components add up."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.core import significance
from reports.core.compare import ONE_SEED, gain_text, p_text
from reports.core.looks import shortened, signs
from reports.core.report import Report
from reports.core.settings import OFF, ON, Contrast, components, contrasts, in_print, squares
from reports.core.stats import MEASURES, by_trial, count_text
from reports.core.style import PALETTE, text_width

EFFECT, INTERACTION = "effect", "interaction"
KINDS = {EFFECT: "alone", INTERACTION: "together"}
TWO_BY_TWO = (1, -1, -1, 1)
PANELS = ("clean", "corruption")
COLUMNS = ["n", "difference", "difference_low", "difference_high", "p"]


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row an effect or interaction and measure: kind, name, pairs, and COLUMNS.

    effect: y(with) - y(without), the mean over `pairs` pairs of settings that differ in this component alone.
    interaction: (y(both) - y(second)) - (y(first) - y(neither)), the mean over `pairs` quadruples of settings that
    differ in these two components alone: above 0 they are worth more together than one by one. Each is computed for
    every seed that all settings of its pairs have; n seeds. difference: the mean over them, difference_low and
    difference_high its own 95% interval, p of the moderated t, Holm-adjusted over the kind and measure
    (`reports.core.significance.contrasts`). Effects without a pair do not appear; with no such seed n is 0 and the
    difference nan.
    """
    levels, trials = components(table), by_trial(table)
    if not levels.shape[1] or trials.empty:
        return pd.DataFrame()
    wanted: dict[str, dict[str, tuple[Sequence[tuple[str, ...]], tuple[int, ...]]]] = {
        EFFECT: {_name(c): (c.pairs, (-1, 1)) for c in contrasts(levels)},
        INTERACTION: {f"{_name(s.first)} x {_name(s.second)}": (s.corners, TWO_BY_TWO) for s in squares(levels)},
    }
    parts = []
    for measure in MEASURES:
        values = trials.pivot(index="config", columns="seed", values=measure).reindex(levels.index)
        for kind, effects in wanted.items():
            if not effects or values.isna().to_numpy().all():
                continue
            weights = pd.DataFrame([_weights(*effect) for effect in effects.values()], index=list(effects))
            frame = significance.contrasts(values, weights.reindex(columns=values.index, fill_value=0).fillna(0))
            frame = frame[["n", "difference", "low", "high", "p"]].set_axis(COLUMNS, axis=1)
            about = {"kind": kind, "measure": measure, "pairs": [len(groups) for groups, _ in effects.values()]}
            parts.append(frame.rename_axis("name").reset_index().assign(**about))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _weights(groups: Sequence[tuple[str, ...]], signs: tuple[int, ...]) -> dict[str, float]:
    """Returns config -> its weight in the mean over groups of the signed sum over a group's settings."""
    return {config: sign / len(groups) for group in groups for sign, config in zip(signs, group, strict=True)}


def _name(contrast: Contrast) -> str:
    if (contrast.low, contrast.high) == (OFF, ON):
        return contrast.component
    return f"{contrast.component} ({contrast.high} against {contrast.low})"


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row an effect: pairs, n, and for each measure the difference in points of percent with its p."""
    rows = []
    for (kind, name), group in points.groupby(["kind", "name"], sort=False):
        cells = {"Component": in_print(name), "Effect": KINDS[kind], "Pairs": str(group["pairs"].max())}
        cells["n"] = str(group["n"].max())
        for row in group[group["measure"].isin(PANELS)].itertuples():
            cells[MEASURES[row.measure]] = gain_text(row.difference, row.difference_low, row.difference_high)
            cells[f"{MEASURES[row.measure]}, p"] = p_text(row.p)
        rows.append(cells)
    return pd.DataFrame(rows).fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    text = (
        "Change of top-1 accuracy in points of percent: alone, the mean over pairs of settings that differ in nothing "
        f"else; together, what two components add beyond the sum of each. Means over n = {count_text(points['n'])}"
    )
    if points["n"].max() < 2:
        return f"{text}. {ONE_SEED}"
    coverage = significance.level_text(1 - significance.current_level())
    return f"{text} with {coverage} intervals (bars); p: moderated paired t, Holm-corrected over the rows of a kind."


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel a measure: each effect with its 95% interval."""
    names = list(points[["kind", "name"]].drop_duplicates().itertuples(index=False, name=None))
    measures = [m for m in PANELS if m in points["measure"].to_numpy()]
    figure = Figure(figsize=(text_width(), 1.0 + 0.2 * len(names)), layout="constrained")
    axes = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for axis, measure in zip(axes, measures, strict=True):
        for index, kind in enumerate(KINDS):
            rows = points[(points["measure"] == measure) & (points["kind"] == kind)]
            places = [names.index((kind, name)) for name in rows["name"]]
            width = 100 * (rows["difference_high"] - rows["difference"]).fillna(0)
            mean, form = 100 * rows["difference"], "os"[index]
            axis.errorbar(mean, places, xerr=width, fmt=form, color=PALETTE[index], capsize=2, linewidth=1)
        axis.axvline(0, color="0.3", linewidth=0.8)
        axis.set(xlabel="change of accuracy (points)", title=MEASURES[measure])
    axes[0].set_yticks(range(len(names)), [shortened(signs(in_print(name)), 40) for _, name in names])
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    return figure


REPORT = Report(
    title="What each component is worth", points=points, table=table, caption=caption, headline=True, draw=draw
)
