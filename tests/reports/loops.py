"""Plain loops over tidy rows: the numbers and the marks of reports, computed another way."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations
from statistics import fmean, stdev, variance

import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import digamma, polygamma
from scipy.stats import studentized_range, t

Accuracies = dict[tuple[str, int], dict[str, dict[int, float]]]
Values = Mapping[str, Mapping[int, float]]
"""Setting -> seed -> value."""


def accuracies(rows: pd.DataFrame) -> Accuracies:
    """(label, seed) -> corruption (or "clean") -> severity -> accuracy."""
    found: Accuracies = defaultdict(lambda: defaultdict(dict))
    for row in rows.to_dict("records"):
        if row["metric"] == "accuracy" and (row["benchmark"] == "clean" or isinstance(row["family"], str)):
            found[row["label"], row["seed"]][row["corruption"]][int(row["severity"])] = row["value"]
    return found


def spread(values: Iterable[float]) -> tuple[object, object, object]:
    """n, mean and standard deviation of one value a seed, to compare with."""
    values = list(values)
    std = stdev(values) if len(values) > 1 else float("nan")
    return len(values), pytest.approx(fmean(values)), pytest.approx(std, nan_ok=True)


def marks(values: Values, higher: bool = True) -> tuple[dict[str, bool], dict[str, bool]]:
    """Whether each setting is the best, and whether it is significantly worse than it.

    Each pair's variance is moderated by those of all pairs (Smyth 2004); the test is SciPy's studentised range.
    Settings have two seeds or more in common, and no two are alike.
    """
    sign = 1 if higher else -1
    best = max(values, key=lambda name: sign * fmean(values[name].values()))
    others, error, df = _moderated(values, best)
    critical = _quantile(len(values), df) / math.sqrt(2)
    worse = {name: sign * -fmean(others[name]) / error[name] > critical for name in others}
    return {name: name == best for name in values}, {name: worse.get(name, False) for name in values}


def gains(values: Values, base: str) -> dict[str, tuple[float, float, float, float]]:
    """Gain over the base, ends of its 95% interval and Holm's p, of each other setting; the moderated t."""
    others, error, df = _moderated(values, base)
    raw = {name: 2 * t.sf(abs(fmean(d)) / error[name], df) for name, d in others.items()}
    adjusted, running = {}, 0.0
    for place, name in enumerate(sorted(raw, key=raw.__getitem__)):
        running = max(running, min(1.0, raw[name] * (len(raw) - place)))
        adjusted[name] = running
    half = {name: t.ppf(0.975, df) * error[name] for name in others}
    return {
        name: (fmean(d), fmean(d) - half[name], fmean(d) + half[name], adjusted[name]) for name, d in others.items()
    }


def _moderated(values: Values, reference: str) -> tuple[dict[str, list[float]], dict[str, float], float]:
    """Each setting's differences from the reference, their standard errors, and the degrees of freedom."""
    pairs = [_differences(values[one], values[other]) for one, other in combinations(values, 2)]
    spreads = [(len(d) - 1, variance(d)) for d in pairs]
    # A difference that is the same at every seed, but for rounding, has no logarithm.
    logs = [math.log(s2) - digamma(f / 2) + math.log(f / 2) for f, s2 in spreads if s2 > 1e-24]
    excess = (variance(logs) if len(logs) > 1 else 0) - fmean(polygamma(1, f / 2) for f, s2 in spreads if s2 > 1e-24)
    f0, s0 = math.inf, sum(f * s2 for f, s2 in spreads) / sum(f for f, _ in spreads)
    if excess > 0:
        half = brentq(lambda x: polygamma(1, x) - excess, 1e-8, 1e8, xtol=1e-12, rtol=1e-12)
        f0, s0 = 2 * half, math.exp(fmean(logs) + digamma(half) - math.log(half))
    others = {name: _differences(values[name], values[reference]) for name in values if name != reference}
    error = {}
    for name, d in others.items():
        f = len(d) - 1
        s2 = s0 if math.isinf(f0) else (f0 * s0 + f * variance(d)) / (f0 + f)
        error[name] = math.sqrt(s2 / len(d))
    count, seeds = sum(map(len, values.values())), len({seed for each in values.values() for seed in each})
    return others, error, min(min(map(len, others.values())) - 1 + f0, count - len(values) - seeds + 1)


def _differences(one: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    return [one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())]


@cache
def _quantile(settings: int, df: float) -> float:
    return float(studentized_range.ppf(0.95, settings, df))
