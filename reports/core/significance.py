"""Which settings differ: comparison with the best, and with a base that was named before, over seeds they share.

The model of K settings and n seeds is y[k, s] = mu_k + b_s + e[k, s]: a seed is a block, since it decides the start and
the batches of every setting. Every comparison is therefore of differences at common seeds. Few seeds say little of how
much a difference varies, so that each pair's variance is moderated by those of all pairs (Smyth 2004, empirical Bayes).
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import digamma, polygamma

from reports.core.studentised_range import quantile, tail

LEVEL = 0.05
"""Chance that any of equal settings is called worse, and 1 - the coverage of intervals."""
NO_SPREAD = 1e-12
"""A mean or standard deviation below this share of the largest value is rounding alone: it counts as 0."""
COLUMNS = ("n", "difference", "low", "high", "p", "variance", "agree", "beats")
_level: ContextVar[float] = ContextVar("level", default=LEVEL)


@contextmanager
def at_level(level: float) -> Iterator[None]:
    """While entered, comparisons of which no level is named are made at this one.

    A race looks at its settings several times; so that its tables call no equal settings different more often than
    LEVEL says, each is made at the level of one round.
    """
    token = _level.set(level)
    try:
        yield
    finally:
        _level.reset(token)


def current_level() -> float:
    """Returns the level of comparisons of which none is named."""
    return _level.get()


def level_text(level: float) -> str:
    """Returns a level or a coverage as print shows it: "5%", "98.75%"."""
    return f"{100 * level:.4g}%"


Test = Callable[[np.ndarray, int, float, float], tuple[np.ndarray, float]]
"""(|t|, K, df, level) -> adjusted p, and the half-width of intervals in standard errors."""
Against = tuple[dict[str, np.ndarray], tuple[Hashable, int, int, float, "Prior"]]
"""Columns of a comparison's table, and its other fields."""


class Prior(NamedTuple):
    """What all variances say of one: it is as good as df (inf: all are equal) further observations of `variance`."""

    df: float
    variance: float


class Spread(NamedTuple):
    """How much the differences of settings vary: the prior of all pairs, and K of the studentised range.

    settings: the number of settings with two seeds or more; of those that equal each other at every seed, one counts.
    df: the residual degrees of freedom of their block analysis, (K - 1)(n - 1) where no seed is missing: no variance
    is known better.
    """

    prior: Prior
    settings: int
    df: int


class Comparison(NamedTuple):
    """Settings compared with one of them, the reference.

    table: a row a setting, in the order of the values. For each: n (seeds in common with the reference), difference
    (its mean; positive: the reference is better, or for `with_base` the setting is), low and high (its interval), p
    (adjusted for the number of comparisons), variance (of the difference at one seed, moderated), agree (common seeds
    at which the difference is positive) and beats (the probability that it is positive on a new seed). nan is what is
    unknown. `with_best` adds best and worse, `with_base` better and worse (both bool).
    reference: its name, None without any value. settings: K of the studentised range. seeds: the smallest n of those
    compared, which decides df for all; 0 where none is. df: degrees of freedom, nan where nothing is compared.
    """

    table: pd.DataFrame
    reference: Hashable
    settings: int
    seeds: int
    df: float
    prior: Prior


def moderate(variances: np.ndarray, df: np.ndarray) -> Prior:
    """Returns the prior of sample variances s2 with f degrees of freedom each (Smyth 2004, section 6.2).

    e = log s2 - digamma(f/2) + log(f/2); trigamma(f0/2) = max(0, var(e) - mean of trigamma(f/2)), f0 infinite at 0;
    log s0^2 = mean(e) + digamma(f0/2) - log(f0/2), and s0^2 the mean of s2 (weighted by f) where f0 is infinite.
    variances, df: (P,), at least 0 and 1. Variances of 0 have no logarithm and count in that mean alone. None at all:
    (inf, 0).
    """
    if not len(variances):
        return Prior(np.inf, 0.0)
    pooled = float((df * variances).sum() / df.sum())
    half = df[variances > 0] / 2
    e = np.log(variances[variances > 0]) - digamma(half) + np.log(half)
    excess = float(e.var(ddof=1) - polygamma(1, half).mean()) if len(e) > 1 else 0.0
    if excess <= 0:
        return Prior(np.inf, pooled)
    f0 = 2 * _inverse_trigamma(excess)
    return Prior(f0, float(np.exp(e.mean() + digamma(f0 / 2) - np.log(f0 / 2))))


def spread(values: np.ndarray) -> Spread:
    """Returns the spread of differences over all pairs of settings; values: (K, S), nan where a seed is missing."""
    several = distinct(values)
    first, second = np.triu_indices(len(several), 1)
    n, _, s2 = summary(several[first] - several[second], scale(values))
    present = ~np.isnan(several)
    residual = int(present.sum()) - len(several) - int(present.any(axis=0).sum()) + 1
    return Spread(moderate(s2[n > 1], n[n > 1] - 1), len(several), max(residual, 0))


def distinct(values: np.ndarray) -> np.ndarray:
    """Returns the settings (rows) of two seeds or more; of those that equal each other at every seed, the first."""
    several = values[(~np.isnan(values)).sum(axis=1) > 1]
    first = {row.tobytes(): place for place, row in reversed(list(enumerate(several.round(12) + 0.0)))}
    return np.asarray(several[sorted(first.values())])


def moderated(variances: np.ndarray, df: np.ndarray, prior: Prior) -> np.ndarray:
    """Returns (f0 s0^2 + f s2) / (f0 + f) of sample variances s2 with f degrees of freedom; nan where f < 1.

    It is the pooled variance of a block analysis where f0 is infinite, and each pair's own where it is small.
    """
    if np.isinf(prior.df):
        return np.where(df > 0, prior.variance, np.nan)
    with np.errstate(invalid="ignore"):
        return np.where(df > 0, (prior.df * prior.variance + df * variances) / (prior.df + df), np.nan)


def summary(differences: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns number, mean and sample variance of each row, without nan; a spread of rounding alone is 0 (`scale`)."""
    present = ~np.isnan(differences)
    n = present.sum(axis=1)
    mean = np.where(present, differences, 0).sum(axis=1) / np.where(n > 0, n, np.nan)
    with np.errstate(invalid="ignore"):  # infinite values
        squares = np.where(present, differences - mean[:, None], 0) ** 2
    s2 = squares.sum(axis=1) / np.where(n > 1, n - 1, np.nan)
    return n, np.where(np.abs(mean) <= NO_SPREAD * scale, 0, mean), np.where(s2 <= (NO_SPREAD * scale) ** 2, 0, s2)


def scale(values: np.ndarray) -> float:
    """Returns the largest finite absolute value; 0 without any."""
    return float(np.max(np.abs(values), initial=0, where=np.isfinite(values)))


def with_best(
    values: pd.DataFrame, higher: bool = True, level: float | None = None, best: Hashable | None = None
) -> Comparison:
    """Returns the comparison of every setting with the one of the best mean over its own seeds (settings x seeds).

    A setting is `worse` where d / sqrt(s2 / n) > q(1 - level; K, df) / sqrt(2): d its mean difference, s2 the moderated
    variance, q the quantile of the studentised range, df = min(f + f0, (K - 1)(n - 1)). The range is valid for any
    pair, hence also where the best was chosen from the same numbers; p and intervals, of coverage 1 - level for all
    together, are from the same range. Settings that equal each other at every seed count once in K. `beats` makes no
    allowance for the choice of the best: it is a bit high.

    level: that of `at_level` if not given. best: names the reference instead, for a column in which something else than
    its numbers chose it. higher: more is better. The best is one with two seeds or more, where there is any. Where
    seeds are missing, f is the smallest of those compared, and the residual degrees of freedom of the block analysis
    stand for (K - 1)(n - 1). Nothing is worse that has fewer than two seeds in common with the best, nor where
    differences do not vary at all. Infinite values have no mean: with any, nothing is compared.
    """
    y, sign, level = values.to_numpy(float), 1 if higher else -1, current_level() if level is None else level
    n, means, _ = summary(sign * y, scale(y))
    means[n == 0] = np.nan
    if best is None and n.any():
        best = values.index[np.nanargmax(np.where(n > 1, means, np.nan) if (n > 1).any() else means)]
    columns, facts = _against(values, best, sign, _range_test, level)
    top = means[values.index.get_loc(best)] if best in values.index else np.nan
    columns["best"] = (means == top) | np.isclose(means, top, rtol=0, atol=NO_SPREAD * scale(y))
    columns["worse"] = (columns["p"] < level) & (columns["difference"] > 0)
    return Comparison(pd.DataFrame(columns, index=values.index), *facts)


def with_base(values: pd.DataFrame, base: Hashable, higher: bool = True, level: float | None = None) -> Comparison:
    """Returns the gain of every setting over a base that was named before the numbers were seen (settings x seeds).

    p: of the moderated t = d / sqrt(s2 / n), two-sided, df as in `with_best`, Holm-adjusted over the settings. low and
    high: the interval of this gain alone, of coverage 1 - level. better, worse: p < level. A base of which the values
    have no row is compared with nothing.
    """
    level = current_level() if level is None else level
    columns, facts = _against(values, base, -1 if higher else 1, _t_test, level)
    columns["better"] = (columns["p"] < level) & (columns["difference"] > 0)
    columns["worse"] = (columns["p"] < level) & (columns["difference"] < 0)
    return Comparison(pd.DataFrame(columns, index=values.index), *facts)


def holm(p: np.ndarray) -> np.ndarray:
    """Returns p values adjusted for being several (Holm 1979): p_(i) -> max over j <= i of min(1, (m - j + 1) p_(j)).

    nan is a test that was not made: it stays nan and does not count.
    """
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p, kind="stable")[: int((~np.isnan(p)).sum())]
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, p[order] * np.arange(len(order), 0, -1)))
    return adjusted


def contrasts(values: pd.DataFrame, weights: pd.DataFrame, level: float | None = None) -> pd.DataFrame:
    """Returns the contrasts sum_k w_k y_k (rows of weights) of settings (settings x seeds), as `with_base` does gains.

    weights: (contrasts x settings), each row adds up to 0 and is not all 0. A seed counts where every setting of the
    contrast has it. The variance of one seed's contrast is moderated by sum(w^2) / 2 times the prior of all pairs of
    settings: what it is where settings vary equally, 1 for a pair. Columns: n, difference (the mean), low, high, p
    (Holm-adjusted over the contrasts), variance, agree and beats of `Comparison`; nan is what is unknown.
    """
    level = current_level() if level is None else level
    y, w = values.to_numpy(float), weights[list(values.index)].to_numpy(float)
    if np.isinf(y).any():
        return pd.DataFrame(_unknown(len(w)), index=weights.index)
    lacking = (w != 0).astype(float) @ np.isnan(y) > 0
    sums = np.where(lacking, np.nan, w @ np.nan_to_num(y))
    share = (w**2).sum(axis=1) / 2
    return pd.DataFrame(_compared(y, sums, share, np.ones(len(w), bool), _t_test, level)[0], index=weights.index)


def _against(values: pd.DataFrame, reference: Hashable | None, sign: int, test: Test, level: float) -> Against:
    """Returns the comparison with a reference, of difference sign * (reference - setting): columns, and the rest."""
    y = values.to_numpy(float)
    if reference not in values.index or np.isinf(y).any():
        return _unknown(len(y)), (reference, 0, 0, float("nan"), Prior(np.inf, 0.0))
    place = values.index.get_loc(reference)
    others = np.arange(len(y)) != place
    columns, rest = _compared(y, sign * (y[place] - y), np.ones(len(y)), others, test, level)
    return columns, (reference, *rest)


def _unknown(count: int) -> dict[str, np.ndarray]:
    """Returns the columns of so many comparisons that cannot be made."""
    columns = {name: np.full(count, np.nan) for name in COLUMNS}
    return columns | {"n": np.zeros(count, int), "agree": np.zeros(count, int)}


def _compared(
    y: np.ndarray, differences: np.ndarray, share: np.ndarray, others: np.ndarray, test: Test, level: float
) -> tuple[dict[str, np.ndarray], tuple[int, int, float, Prior]]:
    """Returns columns, settings, seeds, df and prior of differences (rows x seeds) of the settings y (K, S).

    share: what a difference's variance is of a pair's, where settings vary equally. others: which rows are tested.
    """
    columns = _unknown(len(differences))
    n, mean, s2 = summary(differences, scale(y))
    prior, settings, most = spread(y)
    others = others & (n > 1)
    variance = np.where(others, share * moderated(s2 / share, n - 1, prior), np.nan)
    seeds = int(n[others].min()) if others.any() else 0
    df = float(max(min(seeds - 1 + prior.df, most), 1)) if seeds else float("nan")
    columns |= {"n": n, "difference": mean, "variance": variance}
    columns["agree"] = (differences > NO_SPREAD * scale(y)).sum(axis=1)
    tested = variance > 0
    if tested.any():
        error = np.sqrt(variance / np.maximum(n, 1))
        p, width = test(np.abs(mean[tested]) / error[tested], max(settings, 2), df, level)
        columns |= {"low": mean - width * error, "high": mean + width * error}
        columns["beats"] = stats.t.cdf(mean / np.hypot(error, np.sqrt(variance)), df)
        columns["p"][tested] = p
    columns["p"][(variance == 0) & (mean == 0)] = 1.0
    return columns, (settings, seeds, df, prior)


def _range_test(t: np.ndarray, settings: int, df: float, level: float) -> tuple[np.ndarray, float]:
    """Returns p of |t| and the half-width of intervals in standard errors, by the studentised range."""
    return tail(np.sqrt(2) * t, settings, df), quantile(1 - level, settings, df) / np.sqrt(2)


def _t_test(t: np.ndarray, settings: int, df: float, level: float) -> tuple[np.ndarray, float]:
    """Returns p of |t| by Student's distribution, Holm-adjusted, and the half-width of single intervals."""
    return holm(2 * stats.t.sf(t, df)), float(stats.t.ppf(1 - level / 2, df))


def _inverse_trigamma(value: float) -> float:
    """Returns the x with trigamma(x) = value > 0, by Newton's method on 1 / trigamma, which is convex (Smyth 2004)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x
