"""Whether settings vary equally over seeds: where they do not, few seeds make comparisons less sure than they say."""

from functools import lru_cache

import numpy as np
import pandas as pd

from reports.core.significance import LEVEL, distinct, scale, summary

DRAWS, FEWER = 999, 199
"""Studies of equal variances that the statistic is compared with; FEWER where each is of more than MANY settings."""
MANY = 50
CHUNK = 2_000_000
"""Numbers that are drawn at a time."""
FEW = 5
"""From so many seeds on, each pair's own variance is known well enough: the chance of an error stays below 0.09."""


def equal_variances(values: np.ndarray) -> float:
    """Returns p that all settings vary equally over seeds; nan of fewer than three settings with two seeds.

    values: (K, S), nan where a seed is missing. The statistic is the variance over settings of the mean of log s2 over
    a setting's pairs, s2 the variance of a pair's differences: free of what seeds have in common. Its distribution
    under equal normal variances is drawn (a Monte Carlo test, whose size is exact), with the same seeds missing, and
    always the same.
    """
    several = distinct(values)
    if len(several) < 3:
        return float("nan")
    observed = _statistic(several[None], scale(values))[0]
    missing = np.isnan(several)
    null = _null(missing.tobytes(), missing.shape)
    return float((1 + (null >= observed).sum()) / (1 + len(null)))


def variance_note(values: np.ndarray) -> str:
    """Returns what a page says where few seeds and different variances meet; "" where nothing is to be said."""
    several = distinct(values)
    seeds = int((~np.isnan(several)).sum(axis=1).min(initial=FEW))
    return unequal_text(equal_variances(values), seeds) if seeds < FEW else ""


def unequal_text(p: float, seeds: int) -> str:
    """Returns `variance_note` of the p of `equal_variances` and the number of seeds, fewer than FEW."""
    if not p < LEVEL:
        return ""
    return (
        f"The settings vary differently over seeds (test of equal variances: p = {p:.3f}): with {seeds} seeds a "
        f"setting may be called worse by chance more often than in {LEVEL:.0%} of studies."
    )


@lru_cache(maxsize=16)
def _null(missing: bytes, shape: tuple[int, int]) -> np.ndarray:
    """Returns the statistic of studies of equal variances, with the same seeds missing."""
    mask = np.frombuffer(missing, bool).reshape(shape)
    rng = np.random.default_rng(0)
    size = max(1, CHUNK // (shape[0] * mask.size))
    parts, count = [], DRAWS if shape[0] <= MANY else FEWER
    for start in range(0, count, size):
        draws = rng.standard_normal((min(size, count - start), *shape))
        parts.append(_statistic(np.where(mask, np.nan, draws), 1.0))
    return np.concatenate(parts)


def _statistic(studies: np.ndarray, largest: float) -> np.ndarray:
    """Returns the statistic (R,) of studies (R, K, S)."""
    count = studies.shape[1]
    first, second = np.triu_indices(count, 1)
    differences = studies[:, first] - studies[:, second]
    _, _, s2 = summary(differences.reshape(-1, studies.shape[2]), largest)
    logs = np.full((len(studies), count, count), np.nan)
    with np.errstate(divide="ignore"):
        pairs = np.log(s2).reshape(len(studies), -1)
    logs[:, first, second] = logs[:, second, first] = np.where(np.isfinite(pairs), pairs, np.nan)
    means = pd.DataFrame(logs.reshape(-1, count)).mean(axis=1).to_numpy().reshape(len(studies), count)
    return np.asarray(pd.DataFrame(means).var(axis=1, ddof=0).fillna(0))
