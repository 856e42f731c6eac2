"""Lower and upper bounds of a probability from hits: exact at one number of draws, or at all of them at once."""

import numpy as np
from scipy import special, stats

STEPS = 60
"""Halvings of an interval: float64 has 52 binary digits."""


def clopper_pearson(hits: np.ndarray, draws: int, alpha: float) -> np.ndarray:
    """Returns the one-sided lower bound of Clopper and Pearson (1934) for each number of hits out of `draws`.

    It is the alpha quantile of Beta(hits, draws - hits + 1), 0 without a hit. The probability lies below it with
    probability alpha at most, if `draws` was fixed beforehand.
    hits: (N,) integers from 0 to draws. alpha: in (0, 1).
    """
    bound = stats.beta.ppf(alpha, np.maximum(hits, 1), draws - hits + 1)
    return np.where(hits > 0, bound, 0.0)


def log_wealth(hits: np.ndarray, draws: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Returns log W of a bettor against probability p: W = B(A + 1/2, N - A + 1/2) / B(1/2, 1/2) / p^A (1 - p)^(N - A).

    A hits of N draws, bets by Krichevsky and Trofimov. At the true p the wealth W is a martingale with mean 1, so it
    ever reaches 1 / alpha with probability alpha at most (Ville). Source: Voracek 2024.
    """
    misses = draws - hits
    mixture = special.betaln(hits + 0.5, misses + 0.5) - special.betaln(0.5, 0.5)
    return np.asarray(mixture - special.xlogy(hits, p) - special.xlog1py(misses, -p))


def sequence_lower(hits: np.ndarray, draws: np.ndarray, alpha: float) -> np.ndarray:
    """Returns the least p at which the wealth is below 1 / alpha: a lower bound that holds at every N at once.

    hits, draws: (N,) integers, hits <= draws, draws >= 1. Together with 1 - sequence_lower(draws - hits, draws, alpha)
    it encloses the true p for all N with probability 1 - alpha, whatever rule stops the draws.
    """
    low, high = np.zeros(len(hits)), hits / draws  # the wealth falls in p up to hits / draws
    for _ in range(STEPS):
        middle = (low + high) / 2
        refuted = log_wealth(hits, draws, middle) >= -np.log(alpha)
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    return low
