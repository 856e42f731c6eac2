"""The studentised range: against SciPy, Student's t, and draws."""

import numpy as np
import pytest
from scipy import stats

from reports.core.studentised_range import quantile, tail


@pytest.mark.parametrize(("k", "df"), [(2, 1), (3, 2), (12, 3.3), (12, 22), (24, 46), (100, 7.5), (7, np.inf)])
def test_equals_scipy(k: int, df: float) -> None:
    q = np.array([0.0, 0.5, 2.0, 4.0, 7.0, 30.0])
    assert tail(q, k, df) == pytest.approx(stats.studentized_range.sf(q, k, df), abs=1e-6)


def test_the_quantile_is_the_inverse() -> None:
    for level in (0.5, 0.95, 0.99):
        assert tail(quantile(level, 12, 10.3), 12, 10.3) == pytest.approx(1 - level, abs=1e-6)
    assert quantile(0.95, 12, 22) == pytest.approx(stats.studentized_range.ppf(0.95, 12, 22), abs=1e-4)
    assert quantile(0.95, 30, 1.0) > 60  # far beyond where the search begins


@pytest.mark.parametrize("df", [1.0, 2.0, 4.7, 30.0, 5000.0])
def test_two_means_are_students(df: float) -> None:
    assert quantile(0.95, 2, df) / np.sqrt(2) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-5)


def test_against_draws() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((100_000, 5))
    ranges = np.ptp(values, axis=1) / np.sqrt(rng.chisquare(6, 100_000) / 6)
    assert tail(3.5, 5, 6) == pytest.approx((ranges > 3.5).mean(), abs=0.005)
