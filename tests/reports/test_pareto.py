"""The Pareto front against its definition, on random points with ties and gaps."""

import numpy as np

from reports.core.pareto import front


def test_the_front_is_what_nothing_dominates() -> None:
    rng = np.random.default_rng(0)
    for count in [1, 2, *range(3, 30)]:
        for _ in range(20):
            a, b = rng.integers(0, 6, (2, count)).astype(float)
            a[rng.uniform(size=count) < 0.1] = np.nan
            expected = [
                not np.isnan(a[i])
                and not any(a[j] >= a[i] and b[j] >= b[i] and (a[j] > a[i] or b[j] > b[i]) for j in range(count))
                for i in range(count)
            ]
            assert front(a, b).tolist() == expected
