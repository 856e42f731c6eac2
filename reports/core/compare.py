"""Settings side by side over the seeds they share: means, which are worse than the best, gains over a base."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports.core.seed_planning import POWER, detectable_here
from reports.core.significance import current_level, level_text, with_base, with_best
from reports.core.stats import short_number
from reports.core.variance_test import FEW, equal_variances, unequal_text

SETTING = ["arm", "label", "config", "varied"]
"""Columns that name a setting; `varied` is what its label says beside the arm, name -> value as JSON."""
DIFFERENCE = ["difference", "difference_n", "difference_low", "difference_high"]
MARKS = ["best", "worse", "p", *DIFFERENCE, "detectable", "variances_p"]
"""Columns of a comparison with the best, as `compare` describes them."""
GAIN = ["gain", "gain_n", "gain_low", "gain_high", "gain_p"]
"""Columns of `with_gains`."""
ONE_SEED = "One seed: no difference can be told from chance."


def compare(long: pd.DataFrame, column: str, lower: Collection[str] = ()) -> pd.DataFrame:
    """Returns one row a setting and `column` of the table: SETTING, column, n, mean, std, low, high, and MARKS.

    long: SETTING, column, seed, value; a seed's value is the mean of its rows. n, mean, std (of the sample), low and
    high are over seeds; nan where unknown. lower: the columns in which less is better. Settings stand in the order in
    which they come first. MARKS are of the comparison with the best of the column (`significance.with_best`):
    best: has the best mean; ties are all best. None is where all tie or nothing can be compared (one seed, say).
    worse: significantly worse than the best, p its adjusted p. difference: how much the best is better, over the
    difference_n seeds both have, with its simultaneous 95% interval difference_low to difference_high.
    detectable, variances_p: of the whole column; the smallest difference that its seeds tell apart with power 0.8
    (`seed_planning.detectable_here`), and p of equal variances, nan where seeds are enough for it not to matter.
    """
    keys = [*SETTING, column]
    values = _by_seed(long, column)
    rows = values.groupby(keys, sort=False)
    frame = rows.agg(n="count", mean="mean", std=spread, low="min", high="max").reset_index()
    if frame.empty:
        return frame
    marks = [
        _marks(matrix, name not in lower).assign(**{column: name}).reset_index()
        for name, matrix in _matrices(values, column)
    ]
    return frame.merge(pd.concat(marks), on=["config", column], how="left")


def with_gains(found: pd.DataFrame, long: pd.DataFrame, column: str, over: Mapping[str, str]) -> pd.DataFrame:
    """Returns `found` (as `compare` has it) with base and GAIN: gains over a base, by `significance.with_base`.

    long: as `compare` takes it; more is better. over: config -> config of its base, a base's its own. base: whether the
    setting is one. gain: the mean difference at the gain_n seeds both have, 0 for a base; gain_low, gain_high: its own
    95% interval; gain_p: two-sided, adjusted for all gains of the column (Holm's, times the number of bases).
    """
    parts = [pd.DataFrame(columns=["config", column, *GAIN])]
    for name, values in _matrices(_by_seed(long, column), column):
        members = values.index.to_series().map(over)
        groups = {base: values[members == base] for base in sorted(members.dropna().unique()) if base in values.index}
        for base, group in groups.items():
            table = with_base(group, base).table.rename(columns={"difference": "gain"})
            table["p"] = (table["p"] * len(groups)).clip(upper=1)
            part = table[["gain", "n", "low", "high", "p"]].set_axis(GAIN, axis=1)
            parts.append(part.reset_index().assign(**{column: name}))
    joined = found.merge(pd.concat(parts[1:] or parts), on=["config", column], how="left")
    joined["base"] = joined["config"].map(over) == joined["config"]
    return joined.astype(dict.fromkeys(GAIN, float)).fillna({"gain_n": 0}).astype({"gain_n": int})


def spread(values: "pd.Series[float]") -> float:
    """Returns the standard deviation of the sample; nan of one value or where one is infinite."""
    return float(values.std()) if np.isfinite(values).all() else float("nan")


def marks_note(
    points: pd.DataFrame, main: pd.DataFrame, name: str = "", scale: float = 100, unit: str = " points"
) -> str:
    """Returns what a caption says of the marks: what they mean, by which test, and how far its seeds reach.

    points: the rows of a table, with n and MARKS. main: those of its main column, which is called `name`, and whose
    values print shows times `scale` and with `unit`.
    """
    if points["n"].max() < 2:
        return ONE_SEED
    if points[["p", "detectable"]].isna().all(axis=None):
        return "Nothing is compared: no two settings have finite values of two seeds in common."
    level = level_text(current_level())
    test = f"moderated paired comparisons over seeds, studentised range, family-wise {level} level"
    worse = f"†: significantly worse than it ({test})."
    text = worse if points["worse"].any() else f"Nothing is told apart from the best ({test})."
    text = f"Bold: best mean. {text}" if points["best"].any() else text
    if points["n"].nunique() > 1:
        apart = "; settings with one seed are not" if points["n"].min() < 2 else ""
        text += f" Where seeds are missing, pairs are compared at those that both have{apart}."
    compared = main[main["difference_n"] > 1]
    if compared["detectable"].max() > 0:
        seeds, size = int(compared["difference_n"].min()), short_number(scale * compared["detectable"].max())
        text += f" {reach_text(seeds, f'{size}{unit}' + (f' ({name})' if name else ''))}."
        text += f" {unequal_text(compared['variances_p'].max(), seeds)}"
    return text.rstrip()


def reach_text(seeds: int, size: str) -> str:
    """Returns what is said of the smallest detectable difference, in print."""
    return f"With {seeds} seeds differences above {size} are told apart with power {POWER:g}"


def gain_note(points: pd.DataFrame, base: str, measure: str = "", drawn: str = "") -> str:
    """Returns what captions say of these points' gains over a base, of a measure of accuracy where it is named.

    drawn: what shows their intervals in the figure, such as "bars".
    """
    coverage, shown = level_text(1 - current_level()), f"{drawn}; " if drawn else ""
    interval = f", with its {coverage} interval ({shown}moderated paired t)" if points["gain_low"].notna().any() else ""
    return f"Gain{f' ({measure})' if measure else ''}: over {base} at the seeds both have{interval}."


def gain_text(mean: float, low: float = float("nan"), high: float = float("nan")) -> str:
    """Returns a difference of fractions as print shows it: "+2.1" or "+2.1 (0.4 to 3.8)"; "" for a missing one."""
    if pd.isna(mean):
        return ""
    text, *ends = (round(100 * value, 1) + 0.0 for value in (mean, low, high))  # never "-0.0"
    return f"{text:+.1f}" if pd.isna(low) else f"{text:+.1f} ({ends[0]:.1f} to {ends[1]:.1f})"


def p_text(p: float) -> str:
    """Returns a p value as print shows it; "" for a missing one."""
    return "" if pd.isna(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def _by_seed(long: pd.DataFrame, column: str) -> "pd.Series[float]":
    """Returns one value a setting, `column` and seed."""
    return long.dropna(subset="value").groupby([*SETTING, column, "seed"], sort=False)["value"].mean()


def _matrices(values: "pd.Series[float]", column: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Yields each `column` with its values as configs x seeds."""
    for name, part in values.reset_index().groupby(column, sort=False):
        yield name, part.pivot(index="config", columns="seed", values="value")


def _marks(values: pd.DataFrame, higher: bool) -> pd.DataFrame:
    """Returns MARKS of each setting (index: config) of configs x seeds."""
    comparison = with_best(values, higher)
    table = comparison.table.rename(columns={"n": "difference_n", "low": "difference_low", "high": "difference_high"})
    table["best"] &= comparison.seeds > 0 and not table["best"].all()
    table["detectable"] = detectable_here(comparison)
    few = 0 < comparison.seeds < FEW
    table["variances_p"] = equal_variances(values.to_numpy(float)) if few else float("nan")
    return table[MARKS]
