"""How many seeds: the smallest difference that some can tell apart, and how many would settle what is open."""

import math
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from reports.core.significance import Comparison, current_level
from reports.core.studentised_range import quantile

POWER = 0.8
"""Chance that a difference of the size that is named is called significant."""
MOST = 1000
"""Nobody trains more seeds than these."""


def detectable(
    variance: float,
    seeds: int,
    settings: int,
    prior_df: float = math.inf,
    power: float = POWER,
    level: float | None = None,
) -> float:
    """Returns the smallest true difference that `seeds` tell apart with this power; nan below 2 seeds or settings.

    variance: of a difference of two settings at one seed. With t = d / sqrt(variance / n) noncentral of df =
    min(n - 1 + prior_df, (K - 1)(n - 1)) degrees of freedom, it is the difference at which P(t > q(1 - level; K, df) /
    sqrt(2)) = power, the test of `reports.core.significance.with_best`. In the unit of the values. level: that of
    `reports.core.significance.at_level` if not given.
    """
    level = current_level() if level is None else level
    if seeds < 2 or settings < 2 or not variance >= 0:
        return float("nan")
    df = min(seeds - 1 + prior_df, (settings - 1) * (seeds - 1))
    critical = quantile(1 - level, settings, df) / math.sqrt(2)
    shift = brentq(lambda shift: float(stats.nct.sf(critical, df, shift)) - power, 0, 4 * critical + 4, xtol=1e-6)
    return float(shift) * math.sqrt(variance / seeds)


def detectable_here(comparison: Comparison, power: float = POWER, level: float | None = None) -> float:
    """Returns the smallest difference that a comparison's seeds tell apart, at the mean of its variances."""
    variances = comparison.table["variance"].dropna()
    if variances.empty:
        return float("nan")
    prior_df = comparison.prior.df
    return detectable(float(variances.mean()), comparison.seeds, comparison.settings, prior_df, power, level)


def seeds_to_settle(
    comparison: Comparison, top: int = 3, power: float = POWER, level: float | None = None
) -> int | None:
    """Returns how many seeds in all would tell the best from the next ones of the best `top` settings.

    That is if differences and variances are as observed, with this power for each. None: more than MOST, there is a tie
    or nothing to compare.
    """
    rows = comparison.table[comparison.table["variance"].notna()].nsmallest(top - 1, "difference")
    if rows.empty or not (rows["difference"] > 0).all():
        return None
    settings, prior_df = comparison.settings, comparison.prior.df
    counts = np.arange(2, MOST + 1)
    most = 0
    for row in rows.itertuples():

        def enough(seeds: int, variance: float = row.variance, difference: float = row.difference) -> bool:
            return detectable(variance, seeds, settings, prior_df, power, level) <= difference

        place = _first(enough, counts)
        if place is None:
            return None
        most = max(most, place)
    return most


def run_deviation(error: float, images: int) -> float:
    """Returns the standard deviation over seeds of a network's accuracy, before any is trained (Jordan 2024).

    sqrt(error / (2 images)), error (a fraction) the expected one on so many test images. A difference of two settings
    has twice its variance at most: `detectable(2 * run_deviation(error, images) ** 2, seeds, settings)`.
    """
    return math.sqrt(error / (2 * images))


def _first(enough: Callable[[int], bool], counts: np.ndarray) -> int | None:
    """Returns the smallest of rising counts that is enough, by bisection; None where none is."""
    low, high = 0, len(counts)
    while low < high:
        middle = (low + high) // 2
        if enough(int(counts[middle])):
            high = middle
        else:
            low = middle + 1
    return int(counts[low]) if low < len(counts) else None
