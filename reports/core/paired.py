"""Differences between settings that share seeds: their mean, spread and significance, and which settings lead."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

NO_SPREAD = 1e-12
"""Differences of fractions that vary less than this are equal: what is left is rounding."""
SETTING = ["arm", "label", "config", "varied"]
"""Columns that name a setting; `varied` is what its label says beside the arm, name -> value as JSON."""
LEVEL = 0.05
"""A difference with an adjusted p below this is significant."""
FEW = 5
"""Up to this many seeds the test finds large differences alone, and captions say so."""


class Difference(NamedTuple):
    """n seeds in common, mean and standard deviation (of the sample) of the differences, p of Student's paired test.

    nan where it is unknown: the mean without a seed in common; std and p with one; p where all differences are equal.
    """

    n: int
    mean: float
    std: float
    p: float


def difference(values: Sequence[float] | np.ndarray) -> Difference:
    """Returns mean, spread and the two-sided p that the mean is 0, of one difference for each seed; nan is left out."""
    d = np.asarray(values, float)
    d = d[~np.isnan(d)]
    mean = float(d.mean()) if len(d) else float("nan")
    if len(d) < 2:
        return Difference(len(d), mean, float("nan"), float("nan"))
    std = float(d.std(ddof=1))
    if std < NO_SPREAD:
        return Difference(len(d), mean, 0.0, float("nan"))
    return Difference(len(d), mean, std, float(stats.ttest_1samp(d, 0.0).pvalue))


def holm(p: Sequence[float]) -> list[float]:
    """Returns p values adjusted for being several (Holm 1979): p_(i) -> max over j <= i of min(1, (m - j + 1) p_(j)).

    nan is a test that was not made: it stays nan and does not count.
    """
    values = np.asarray(p, float)
    adjusted = np.full(len(values), np.nan)
    order = [i for i in np.argsort(values, kind="stable") if not np.isnan(values[i])]
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, float((len(order) - rank) * values[index])))
        adjusted[index] = highest
    return [float(value) for value in adjusted]


def leaders(values: pd.DataFrame, higher: bool = True) -> pd.DataFrame:
    """Returns, for each setting (row) of settings x seeds, `best`, `p` (Holm-adjusted) and `leads`, against the best.

    best: has the highest mean over its seeds (the lowest, where `higher` is false); ties are all best. p: of Student's
    paired test against the best setting over the seeds that both have, t = mean(d) / (std(d) / sqrt(n)) with n - 1
    degrees of freedom, Holm-adjusted over the settings compared; nan where no test was made. leads: it is the best or
    not significantly worse: what a table sets in bold. Worse is p < LEVEL with a mean difference that speaks for the
    best; where seeds are missing, one with a lower mean can be better on the seeds in common. Where no setting is
    significantly worse none leads, since bold for all would set nothing apart.

    Two-sided, since the best is picked by the numbers that are tested: with two settings the chance to call equal ones
    different is then LEVEL, one-sided it were twice that. Nothing can be said of a setting with fewer than two seeds in
    common with the best, nor of one that differs from it by the same amount at every seed: neither leads, but one
    equal to the best at every seed may. Settings with one seed are not compared at all. Infinite values have no
    spread: with any nothing leads.
    """
    means, enough = values.mean(axis=1), values.count(axis=1) >= 2
    top = means.max() if higher else means.min()
    best = (means == top) | ((means - top).abs() <= NO_SPREAD)
    found = pd.DataFrame({"best": best, "p": float("nan"), "leads": False})
    candidates = values[enough]
    if len(candidates) < 2 or np.isinf(values.to_numpy(float)).any():
        return found
    over = means[enough].idxmax() if higher else means[enough].idxmin()
    others = candidates.drop(index=over)
    d = others.to_numpy(float) - candidates.loc[over].to_numpy(float)
    n = (~np.isnan(d)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nansum(d, axis=1) / n
        std = np.sqrt(np.nansum((d - mean[:, None]) ** 2, axis=1) / (n - 1))
        p = 2 * stats.t.sf(np.abs(mean) / (std / np.sqrt(n)), n - 1)
    equal = (n >= 2) & (np.nanmax(np.abs(np.nan_to_num(d)), axis=1) <= NO_SPREAD)
    adjusted = np.asarray(holm(np.where(equal, 1.0, np.where((n >= 2) & (std > NO_SPREAD), p, np.nan)).tolist()))
    found.loc[others.index, "p"] = adjusted
    worse = (adjusted < LEVEL) & ((mean < 0) if higher else (mean > 0))
    if worse.any():
        found.loc[others.index, "leads"] = ~np.isnan(adjusted) & ~worse
        found.loc[over, "leads"] = True
    return found


def compare(long: pd.DataFrame, column: str, lower: Collection[str] = ()) -> pd.DataFrame:
    """Returns one row a setting and `column` of the table: SETTING, column, n, mean, std, low, high, best, p, leads.

    long: SETTING, column, seed, value; a seed's value is the mean of its rows. n, mean, std (of the sample), low and
    high are over seeds; nan where unknown. lower: the columns in which less is better. best, p, leads: of `leaders`.
    Settings stand in the order in which they come first.
    """
    keys = [*SETTING, column]
    seeds = long.dropna(subset="value").groupby([*keys, "seed"], sort=False)["value"].mean()
    groups = seeds.groupby(keys, sort=False)
    found = groups.agg(n="count", mean="mean", std=spread, low="min", high="max").reset_index()
    found[["best", "p", "leads"]] = [False, float("nan"), False]
    frame = seeds.reset_index()
    for name, part in frame.groupby(column, sort=False):
        matrix = part.pivot(index="config", columns="seed", values="value")
        told = leaders(matrix, name not in lower)
        here = found[column] == name
        for kind in told:
            found.loc[here, kind] = found.loc[here, "config"].map(told[kind])
    return found.astype({"best": bool, "leads": bool})


def spread(values: "pd.Series[float]") -> float:
    """Returns the standard deviation of the sample; nan of one value or where one is infinite."""
    return float(values.std()) if np.isfinite(values).all() else float("nan")


def lead_note(points: pd.DataFrame, within: str = "column") -> str:
    """Returns what a caption says of bold: what it means, the test, and how far it reaches with so many seeds.

    points: rows with n and leads. within: what settings are compared within, "column" or "row".
    """
    most = int(points["n"].max())
    if most < 2:
        return "Nothing is bold: with one seed no difference can be told from chance."
    test = (
        f"Student's two-sided paired test over seeds, Holm-corrected over the {within}'s comparisons with the best, "
        f"{LEVEL:.0%} level"
    )
    few = f"; with {most} seeds only large differences are significant" if most <= FEW else ""
    if not points["leads"].any():
        return f"Nothing is bold: nothing is significantly worse than the best of its {within} ({test}){few}."
    text = f"Bold: the best of a {within} and what is not significantly worse than it, where anything is ({test}){few}"
    if points["n"].min() < 2:
        text += "; settings with one seed are not compared"
    return text + "."


def half_interval(std: float, n: int, level: float = 0.95) -> float:
    """Returns half the width of Student's confidence interval of a mean; nan below two seeds."""
    return float(stats.t.ppf((1 + level) / 2, n - 1) * std / np.sqrt(n)) if n > 1 else float("nan")


def gain_text(mean: float, std: float) -> str:
    """Returns a difference of fractions as print shows it: "+2.1" or "+2.1 ± 0.3"; "" for a missing one."""
    if pd.isna(mean):
        return ""
    points = f"{round(100 * mean, 1) + 0.0:+.1f}"  # never "-0.0"
    return points if pd.isna(std) else f"{points} ± {100 * std:.1f}"


def p_text(p: float) -> str:
    """Returns a p value as print shows it; "" for a missing one."""
    return "" if pd.isna(p) else "<0.001" if p < 0.001 else f"{p:.3f}"
