"""Races: what a round drops, how a race ends, and how seldom it drops the best."""

import numpy as np
import pandas as pd
import pytest

from reports.core.racing import ROUNDS, race_round
from reports.core.significance import with_best

NAN = float("nan")


def _values(means: list[float], seeds: int, number: int = 0, deviation: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(number)
    noise = rng.normal(0, 2.5, seeds) + deviation * rng.standard_normal((len(means), seeds))
    return pd.DataFrame(np.array(means)[:, None] + noise, index=[f"s{place}" for place in range(len(means))])


def test_it_drops_what_is_significantly_worse_at_its_share_of_the_level() -> None:
    values = _values([0, 0, 0, -1.5, -2.0, -12], 3, number=6)
    decision = race_round(values, 1)
    first = with_best(values, level=0.05 / 5)
    worse = list(values.index[first.table["worse"]])
    assert decision.dropped == worse == ["s3", "s5"] and decision.left == ["s0", "s1", "s2", "s4"]
    assert decision.reason is None and decision.comparison.settings == 4
    assert decision.comparison.table.loc[worse].equals(first.table.loc[worse])
    second = with_best(values.loc[decision.left], level=0.05 / 5)
    assert decision.comparison.table.loc[decision.left].equals(second.table) and second.table["p"].min() > 0.01
    assert race_round(values, 1, rounds=(3,), alpha=0.5).dropped == ["s2", "s3", "s4", "s5"]


def test_what_is_worse_among_the_rest_goes_in_the_same_round() -> None:
    """With six settings s3 is not told apart; with five it is."""
    values = next(
        values
        for number in range(200)
        if 0
        < len(_worse(values := _values([0, 0, -2.5, -3, -20, -20], 5, number)))
        < len(race_round(values, 1).dropped)
    )
    decision = race_round(values, 1)
    assert set(decision.dropped) > set(_worse(values))
    assert not _worse(values.loc[decision.left]) and decision.comparison.table["worse"].sum() == len(decision.dropped)


def _worse(values: pd.DataFrame) -> list[str]:
    return list(values.index[with_best(values, level=0.01).table["worse"]])


def test_it_ends_when_one_is_left() -> None:
    decision = race_round(_values([10, 0, 0], 5), 2)
    assert (decision.left, decision.dropped, decision.reason) == (["s0"], ["s1", "s2"], "one left")
    assert race_round(_values([10], 5), 2).reason == "one left"


def test_it_ends_within_the_margin_by_the_upper_bound() -> None:
    values = _values([0, 0.2, 0.1], 8, number=1)
    upper = with_best(values, level=0.01).table["high"].max()
    assert race_round(values, 3, margin=upper + 1e-9).reason == "within margin"
    assert race_round(values, 3, margin=upper - 1e-6).reason is None
    assert race_round(values, 3).reason is None


def test_it_ends_at_the_limit() -> None:
    values = _values([0, 0, 0], 20)
    assert race_round(values, 5).reason == "limit" and race_round(values, 4).reason is None
    assert race_round(values.iloc[:, :5], 2, rounds=(3, 5)).reason == "limit"


def test_less_may_be_better() -> None:
    values = _values([0, 0, -12], 3)
    assert race_round(-values, 1, higher=False).dropped == race_round(values, 1).dropped == ["s2"]


@pytest.mark.parametrize("rows", [[[NAN] * 3, [NAN] * 3], [[0.5, NAN, NAN], [NAN, 0.6, NAN]], [[0.5] * 3, [0.5] * 3]])
def test_what_cannot_be_compared_stays(rows: list[list[float]]) -> None:
    decision = race_round(pd.DataFrame(rows), 1, margin=100.0)
    assert (decision.dropped, decision.left, decision.reason) == ([], [0, 1], None)


def test_a_failed_setting_keeps_a_race_from_ending_within_the_margin() -> None:
    values = _values([0, 0.1, 0], 5, deviation=0.1)
    assert race_round(values, 2, margin=50).reason == "within margin"
    values.loc["s1"] = NAN
    decision = race_round(values, 2, margin=50)
    assert decision.reason is None and "s1" in decision.left


def test_races_seldom_drop_one_that_is_as_good_as_the_best() -> None:
    errors, trials = 0, 0
    for number in range(60):
        values = _values([0, 0, 0, 0, -5, -5, -5, -5], 20, number)
        left, before = list(values.index), 0
        for place, seeds in enumerate(ROUNDS, 1):
            trials += len(left) * (seeds - before)
            before = seeds
            decision = race_round(values.loc[left].iloc[:, :seeds], place)
            errors += bool(set(decision.dropped) & {"s0", "s1", "s2", "s3"})
            left = decision.left
    assert errors <= 5 and 60 * 8 * 20 / trials > 1.6
