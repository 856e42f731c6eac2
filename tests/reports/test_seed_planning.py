"""How many seeds: against simulated tests, by hand, and what does not end."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reports.core.seed_planning import MOST, detectable, detectable_here, run_deviation, seeds_to_settle
from reports.core.significance import at_level, with_best
from reports.core.studentised_range import quantile


@pytest.mark.parametrize(("seeds", "prior_df"), [(3, math.inf), (3, 4.0), (10, math.inf)])
def test_the_power_is_the_one_that_is_named(seeds: int, prior_df: float) -> None:
    difference = detectable(2.0, seeds, 12, prior_df)
    df = min(seeds - 1 + prior_df, 11 * (seeds - 1))
    rng = np.random.default_rng(0)
    means = rng.normal(difference, math.sqrt(2 / seeds), 50_000)
    t = means / np.sqrt(2 / seeds * rng.chisquare(df, 50_000) / df)
    assert (t > quantile(0.95, 12, df) / math.sqrt(2)).mean() == pytest.approx(0.8, abs=0.01)


def test_at_a_stricter_level_less_is_seen() -> None:
    with at_level(0.01):
        assert detectable(2.0, 3, 12) == detectable(2.0, 3, 12, level=0.01) > detectable(2.0, 3, 12, level=0.05)
    assert detectable(2.0, 3, 12) == detectable(2.0, 3, 12, level=0.05)


def test_two_settings_are_the_paired_t_test() -> None:
    """By the noncentral t of a textbook: 5 pairs, power 0.8, standardised difference 1.682 (one side of two)."""
    difference = detectable(1.0, 5, 2)
    assert stats.nct.sf(stats.t.ppf(0.975, 4), 4, difference * math.sqrt(5)) == pytest.approx(0.8, abs=1e-5)
    assert difference == pytest.approx(1.682, abs=0.003)


def test_more_seeds_see_more_and_more_settings_less() -> None:
    by_seeds = [detectable(2.0, seeds, 12) for seeds in (2, 3, 5, 10, 100)]
    assert by_seeds == sorted(by_seeds, reverse=True)
    assert detectable(2.0, 5, 30) > detectable(2.0, 5, 3, math.inf)
    assert detectable(8.0, 5, 12) == pytest.approx(2 * detectable(2.0, 5, 12)) and detectable(0.0, 5, 12) == 0
    assert (
        math.isnan(detectable(2.0, 1, 12))
        and math.isnan(detectable(2.0, 3, 1))
        and math.isnan(detectable(math.nan, 3, 4))
    )


def _values(means: list[float], seeds: int, deviation: float = 1.0) -> pd.DataFrame:
    """Settings of exactly these means."""
    noise = np.random.default_rng(0).standard_normal((len(means), seeds)) * deviation
    return pd.DataFrame(np.array(means)[:, None] + noise - noise.mean(axis=1)[:, None])


def test_the_seeds_that_settle_the_best_three() -> None:
    values = _values([5.0, 4.4, 4.0, 1.0, 0.0], 4)
    comparison = with_best(values)
    seeds = seeds_to_settle(comparison)
    assert seeds is not None
    rows = comparison.table.loc[[1, 2]]

    def gaps(count: int) -> list[float]:
        prior = comparison.prior.df
        sizes = zip(rows["variance"], rows["difference"], strict=True)
        return [difference - detectable(variance, count, 5, prior) for variance, difference in sizes]

    assert min(gaps(seeds)) >= 0 > min(gaps(seeds - 1))
    only = seeds_to_settle(comparison, top=2)
    assert only is not None and only <= seeds
    typical = float(comparison.table["variance"].mean())
    assert detectable_here(comparison) == pytest.approx(detectable(typical, 4, 5, comparison.prior.df))


def test_what_no_number_of_seeds_settles() -> None:
    tie = _values([5.0, 5.0, 1.0], 4)
    assert seeds_to_settle(with_best(tie)) is None
    assert detectable(1.0, MOST, 3) > 1e-3 and seeds_to_settle(with_best(_values([5.0, 4.999, 1.0], 4))) is None
    for values in (_values([5.0, 4.0], 1), _values([5.0], 3), pd.DataFrame([[5.0, 6.0], [4.0, 5.0]])):
        assert seeds_to_settle(with_best(values)) in (None, 2)
    assert math.isnan(detectable_here(with_best(_values([5.0, 4.0], 1))))


def test_the_deviation_before_training() -> None:
    """Jordan 2024: 5% of 10,000 images wrong, 0.16 points; the digits' 360 images at 1.5%."""
    assert run_deviation(0.05, 10_000) == pytest.approx(0.00158, abs=1e-5)
    assert run_deviation(0.0152, 360) == pytest.approx(0.0046, abs=1e-4)
