"""The test of equal variances: its size, its power, and what a page says."""

import numpy as np
import pytest

from reports.core.variance_test import equal_variances, variance_note

NAN = float("nan")


def _study(number: int, deviations: np.ndarray, seeds: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    return np.asarray(rng.normal(0, 2, seeds) + rng.standard_normal((len(deviations), seeds)) * deviations[:, None])


@pytest.mark.parametrize("seeds", [3, 6])
def test_size_and_power(seeds: int) -> None:
    equal = [equal_variances(_study(number, np.ones(6), seeds)) for number in range(300)]
    assert np.mean(np.array(equal) <= 0.05) == pytest.approx(0.05, abs=0.03) and np.mean(equal) == pytest.approx(
        0.5, abs=0.06
    )
    different = [equal_variances(_study(number, np.geomspace(0.3, 3, 6), seeds)) for number in range(100)]
    assert np.mean(np.array(different) <= 0.05) > (0.35 if seeds == 3 else 0.9)


def test_missing_seeds_units_and_what_seeds_share_do_not_matter() -> None:
    values = _study(1, np.array([1, 1, 1, 5.0]), 6)
    p = equal_variances(values)
    moved = 100 * values + np.arange(6) * 7 + np.array([[1.0], [2], [3], [4]])
    assert equal_variances(moved) == p and p < 0.05
    values[0, 2] = NAN
    assert 0 < equal_variances(values) < 0.1
    alone = np.vstack([values, [NAN, 1, NAN, NAN, NAN, NAN]])
    assert equal_variances(alone) == equal_variances(values)


@pytest.mark.parametrize("rows", [[], [[1.0, 2], [2, 4]], [[1.0], [2], [3]], [[1.0, 2], [1, 2], [1, 2], [3, 1]]])
def test_unknown_below_three_settings(rows: list[list[float]]) -> None:
    values = np.array(rows) if rows else np.empty((0, 3))
    assert np.isnan(equal_variances(values)) and variance_note(values) == ""


def test_the_note_speaks_of_few_seeds_alone() -> None:
    deviations = np.array([1, 1, 1, 1, 1, 30.0])
    note = variance_note(_study(0, deviations, 4))
    assert "vary differently" in note and "with 4 seeds" in note and "p = 0.0" in note
    assert variance_note(_study(0, deviations, 5)) == "" and equal_variances(_study(0, deviations, 5)) < 0.05
    assert variance_note(_study(0, np.ones(6), 4)) == ""
