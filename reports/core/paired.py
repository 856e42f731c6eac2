"""Differences between settings that share seeds: their mean, spread and significance."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

NO_SPREAD = 1e-12
"""Differences of fractions that vary less than this are equal: what is left is rounding."""


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


def half_interval(std: float, n: int, level: float = 0.95) -> float:
    """Returns half the width of Student's confidence interval of a mean; nan below two seeds."""
    return float(stats.t.ppf((1 + level) / 2, n - 1) * std / np.sqrt(n)) if n > 1 else float("nan")


def gain_text(mean: float, std: float) -> str:
    """Returns a difference of fractions as print shows it: "+2.1" or "+2.1 ± 0.3"; "" for a missing one."""
    if pd.isna(mean):
        return ""
    return f"{100 * mean:+.1f}" if pd.isna(std) else f"{100 * mean:+.1f} ± {100 * std:.1f}"


def p_text(p: float) -> str:
    """Returns a p value as print shows it; "" for a missing one."""
    return "" if pd.isna(p) else "<0.001" if p < 0.001 else f"{p:.3f}"
