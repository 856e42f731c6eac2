"""What each component is worth: its effect averaged over all else, and how two components add up."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.core.cells import bold
from reports.core.paired import LEVEL, difference, gain_text, half_interval, holm, p_text
from reports.core.report import Report
from reports.core.settings import OFF, ON, Contrast, components, contrasts, in_print, squares
from reports.core.stats import MEASURES, by_trial, count_text
from reports.core.style import PALETTE, TWO_COLUMNS

EFFECT, INTERACTION = "effect", "interaction"
KINDS = {EFFECT: "alone", INTERACTION: "together"}
TWO_BY_TWO = (1, -1, -1, 1)
PANELS = ("clean", "corruption")


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row an effect or interaction and measure: kind, name, pairs, n, mean, std, p, p_adjusted.

    effect: y(with) - y(without), the mean over `pairs` pairs of settings that differ in this component alone.
    interaction: (y(both) - y(second)) - (y(first) - y(neither)), the mean over `pairs` quadruples of settings that
    differ in these two components alone: above 0 they are worth more together than one by one. Each is computed for
    every seed that all settings of its pairs have; mean, std (nan for one seed) and p (Student's, paired;
    Holm-corrected over the kind and measure in p_adjusted) are over these n seeds. Effects without a pair do not
    appear; with no such seed n is 0 and the mean nan.
    """
    levels, trials = components(table), by_trial(table)
    if not levels.shape[1] or trials.empty:
        return pd.DataFrame()
    wanted: list[tuple[str, str, Sequence[tuple[str, ...]], tuple[int, ...]]] = []
    wanted += [(EFFECT, _name(c), c.pairs, (-1, 1)) for c in contrasts(levels)]
    wanted += [(INTERACTION, f"{_name(s.first)} x {_name(s.second)}", s.corners, TWO_BY_TWO) for s in squares(levels)]
    rows: list[dict[str, Any]] = []
    for measure in MEASURES:
        known = trials.dropna(subset=measure)
        if known.empty:
            continue
        seeds = known.pivot(index="config", columns="seed", values=measure).reindex(levels.index)
        for kind, name, groups, signs in wanted:
            found = difference(_per_seed(seeds, groups, signs))
            rows.append({"kind": kind, "name": name, "measure": measure, "pairs": len(groups), **found._asdict()})
    frame = pd.DataFrame(rows)
    if rows:
        frame["p_adjusted"] = frame.groupby(["kind", "measure"])["p"].transform(lambda p: holm(p.tolist()))
    return frame


def _per_seed(seeds: pd.DataFrame, groups: Sequence[tuple[str, ...]], signs: tuple[int, ...]) -> np.ndarray:
    """Returns the mean over groups of the signed sum over a group's settings, for each seed; nan where one lacks."""
    sums = [sum(sign * seeds.loc[config].to_numpy() for sign, config in zip(signs, g, strict=True)) for g in groups]
    return np.asarray(np.mean(sums, axis=0))


def _name(contrast: Contrast) -> str:
    if (contrast.low, contrast.high) == (OFF, ON):
        return contrast.component
    return f"{contrast.component} ({contrast.high} against {contrast.low})"


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row an effect: pairs, n, and for each measure the difference in points of percent with its p; in bold
    what is significant."""
    rows = []
    for (kind, name), group in points.groupby(["kind", "name"], sort=False):
        cells = {"Component": in_print(name), "Effect": KINDS[kind], "Pairs": str(group["pairs"].max())}
        cells["n"] = str(group["n"].max())
        for row in group[group["measure"].isin(PANELS)].itertuples():
            cells[MEASURES[row.measure]] = bold(gain_text(row.mean, row.std), row.p_adjusted < LEVEL)
            cells[f"{MEASURES[row.measure]}, p"] = p_text(row.p_adjusted)
        rows.append(cells)
    return pd.DataFrame(rows).fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what is averaged over what."""
    text = (
        "Change of top-1 accuracy in points of percent. Alone: with the component minus without it, mean over the "
        "pairs of settings that differ in nothing else. Together: what both add beyond the sum of what each adds, "
        "mean over the quadruples of settings that differ in nothing else. ± is the standard deviation over "
        f"n = {count_text(points['n'])} (those that all settings of the pairs have); p is Student's two-sided "
        "paired test over seeds, Holm-corrected over the rows of a kind. "
    )
    if points["n"].max() < 2:
        return text + "One seed has neither spread nor p."
    return text + f"Bold: significant at the {LEVEL:.0%} level."


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel a measure: each effect with Student's 95% interval over seeds."""
    names = list(points[["kind", "name"]].drop_duplicates().itertuples(index=False, name=None))
    measures = [m for m in PANELS if m in points["measure"].to_numpy()]
    figure = Figure(figsize=(TWO_COLUMNS, 1.0 + 0.22 * len(names)), layout="constrained")
    axes = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for axis, measure in zip(axes, measures, strict=True):
        for index, kind in enumerate(KINDS):
            rows = points[(points["measure"] == measure) & (points["kind"] == kind)]
            places = [names.index((kind, name)) for name in rows["name"]]
            width = [100 * np.nan_to_num(half_interval(r.std, r.n)) for r in rows.itertuples()]
            axis.errorbar(100 * rows["mean"], places, xerr=width, fmt="os"[index], color=PALETTE[index], capsize=2,
                          linewidth=1)  # fmt: skip
        axis.axvline(0, color="0.3", linewidth=0.8)
        axis.set(xlabel="change of accuracy (points)", title=MEASURES[measure])
    axes[0].set_yticks(range(len(names)), [in_print(name) for _, name in names])
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    return figure


REPORT = Report(
    title="What each component is worth", points=points, table=table, caption=caption, headline=True, draw=draw
)
