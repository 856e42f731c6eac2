"""Intervals over seeds and images: bits, by hand against an analysis of variance, and their coverage."""

import numpy as np
import pytest
from scipy import stats

from reports.core.image_intervals import gains, intervals, pack, unpack


@pytest.mark.parametrize("shape", [(1,), (8,), (3, 13), (2, 5, 100)])
def test_bits_return(shape: tuple[int, ...]) -> None:
    correct = np.random.default_rng(0).random(shape) < 0.7
    packed = pack(correct)
    assert packed.dtype == np.uint8 and packed.shape == (*shape[:-1], -(-shape[-1] // 8))
    assert (unpack(packed, shape[-1]) == correct).all()
    assert pack(np.ones((75, 10_000))).nbytes == 93_750


def test_gains_are_means_over_conditions_by_seed_and_image() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random((4, 3, 21)) < 0.8, rng.random((4, 3, 21)) < 0.6
    expected = np.array([[np.mean([int(first[s, c, i]) - int(second[s, c, i]) for c in range(3)])
                          for i in range(21)] for s in range(4)])  # fmt: skip
    assert gains(first, second) == pytest.approx(expected)
    assert gains(pack(first), pack(second), 21) == pytest.approx(expected)
    assert gains(first[:, 0], second[:, 0]) == pytest.approx(first[:, 0].astype(int) - second[:, 0])
    with pytest.raises(ValueError):
        gains(first, second[:3])


def test_against_an_analysis_of_variance() -> None:
    values = np.random.default_rng(2).normal(0.1, 1, (4, 50)) + np.array([[0.3], [0.1], [-0.2], [0]])
    shown = intervals(values)
    low, high = stats.ttest_1samp(values.mean(axis=1), 0).confidence_interval()
    assert shown.seeds == pytest.approx((low, high))
    low, high = stats.ttest_1samp(values.mean(axis=0), 0).confidence_interval()
    assert shown.images == pytest.approx((low, high))
    mean = values.mean()
    seed_square = 50 * sum((row.mean() - mean) ** 2 for row in values) / 3
    image_square = 4 * sum((column.mean() - mean) ** 2 for column in values.T) / 49
    total = ((values - mean) ** 2).sum()
    error_square = (total - 3 * seed_square - 49 * image_square) / (3 * 49)
    variance = (seed_square + image_square - error_square) / 200
    df = variance**2 / ((seed_square / 200) ** 2 / 3 + (image_square / 200) ** 2 / 49)
    half = stats.t.ppf(0.975, df) * np.sqrt(variance)
    assert shown.gain == pytest.approx(mean) and shown.both == pytest.approx((mean - half, mean + half))


def test_the_seeds_interval_may_be_the_comparisons_own() -> None:
    values = np.random.default_rng(3).normal(0, 1, (3, 40))
    half = stats.t.ppf(0.975, 20) * np.sqrt(0.3 / 3)
    shown = intervals(values, moderated=(0.3, 20))
    assert shown.seeds == pytest.approx((values.mean() - half, values.mean() + half))
    assert shown.both[1] - shown.both[0] > 2 * half * 0.95 and shown.images == intervals(values).images


def test_one_seed_knows_images_alone_and_one_image_seeds() -> None:
    values = np.random.default_rng(4).normal(0, 1, (1, 40))
    shown = intervals(values)
    assert np.isnan([*shown.seeds, *shown.both]).all() and shown.images[0] < shown.gain < shown.images[1]
    shown = intervals(values.T)
    assert np.isnan([*shown.images, *shown.both]).all() and shown.seeds[0] < shown.gain < shown.seeds[1]


def test_equal_settings_have_no_gain() -> None:
    same = np.random.default_rng(5).random((3, 30)) < 0.5
    assert intervals(gains(same, same)) == (0, (0, 0), (0, 0), (0, 0))


def test_versions_of_an_image_are_one_cluster() -> None:
    """Copies of a condition bring nothing new, so that the interval stays as wide."""
    rng = np.random.default_rng(6)
    first, second = rng.random((3, 1, 200)) < 0.8, rng.random((3, 1, 200)) < 0.6
    copied = gains(np.repeat(first, 9, axis=1), np.repeat(second, 9, axis=1))
    assert intervals(copied).images == pytest.approx(intervals(gains(first, second)).images)


def test_coverage_over_both() -> None:
    """The mean 0 lies in 95% of the intervals over both, and in fewer of those over images alone."""
    rng, hits, alone = np.random.default_rng(7), 0, 0
    for _ in range(400):
        values = rng.normal(0, 0.3, (4, 1)) + rng.normal(0, 1, 60) + rng.normal(0, 1, (4, 60))
        shown = intervals(values)
        hits += shown.both[0] <= 0 <= shown.both[1]
        alone += shown.images[0] <= 0 <= shown.images[1]
    assert hits / 400 == pytest.approx(0.95, abs=0.025) and alone / 400 < 0.93
