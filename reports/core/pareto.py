"""Pareto fronts of settings with two qualities."""

import numpy as np


def front(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns which of N points (N,) no other dominates: is at least as high in both, and higher in one.

    Equal points are on the front together. A point with a nan is not on it, and dominates none.
    """
    known = ~(np.isnan(first) | np.isnan(second))
    order = np.lexsort((-second, -first))
    on = np.zeros(len(first), bool)
    highest, at = -np.inf, np.nan
    for index in order[known[order]]:
        # Sorted by falling first: what came before is at least as high there.
        if second[index] > highest:
            highest, at = second[index], first[index]
            on[index] = True
        else:
            on[index] = second[index] == highest and first[index] == at
    return on
