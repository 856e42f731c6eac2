"""Which settings lead: against SciPy, by hand, and by enumeration of chance."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.core.paired import LEVEL, SETTING, compare, gain_text, holm, lead_note, leaders
from reports.core.stats import by_trial
from tests.support import table, trials

NAN, INF = float("nan"), float("inf")


def _matrix(rows: list[list[float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, index=[f"s{i}" for i in range(len(rows))])


def _leading(rows: list[list[float]], higher: bool = True) -> list[int]:
    return [i for i, leads in enumerate(leaders(_matrix(rows), higher)["leads"]) if leads]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(2, 6), st.integers(2, 6), st.booleans(), st.integers(0, 10**6))
def test_against_scipy(count: int, seeds: int, higher: bool, number: int) -> None:
    rng = np.random.default_rng(number)
    values = rng.normal(0.5, 0.05, (count, 1)) + rng.normal(0, 0.02, (count, seeds))
    values[rng.random((count, seeds)) < 0.15] = NAN
    found = leaders(_matrix(values.tolist()), higher)
    many = [i for i in range(count) if np.isfinite(values[i]).sum() > 1]
    if len(many) < 2:
        assert not found["leads"].any() and found["p"].isna().all()
        return
    pick = max if higher else min
    best = pick(many, key=lambda i: np.nanmean(values[i]))
    others = [i for i in many if i != best]
    raw = []
    for other in others:
        both = np.isfinite(values[best]) & np.isfinite(values[other])
        enough = both.sum() > 1
        raw.append(float(stats.ttest_rel(values[best][both], values[other][both]).pvalue) if enough else NAN)
    adjusted = holm(raw)
    assert found["p"].iloc[others].tolist() == pytest.approx(adjusted, nan_ok=True, rel=1e-9)
    sign = 1 if higher else -1
    below = [sign * np.nanmean(values[other] - values[best]) < 0 if p == p else False
             for other, p in zip(others, adjusted, strict=True)]  # fmt: skip
    worse = {other for other, p, low in zip(others, adjusted, below, strict=True) if p < LEVEL and low}
    tested = {other for other, p in zip(others, adjusted, strict=True) if p == p}
    expected = (tested - worse) | {best} if worse else set()
    assert set(np.flatnonzero(found["leads"])) == expected
    assert found.index[found["best"]].tolist() == [f"s{pick(range(count), key=lambda i: _mean(values[i], higher))}"]


def _mean(values: np.ndarray, higher: bool) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else -INF if higher else INF


def test_by_hand() -> None:
    """d = (2, 4, 3) points: mean 3, std 1, t = 3 sqrt(3), p = 1 - sqrt(27 / 29) = 0.0351 with 2 degrees of freedom."""
    best, worse = [0.90, 0.90, 0.90], [0.88, 0.86, 0.87]
    found = leaders(_matrix([worse, best]))
    assert found["p"].iloc[0] == pytest.approx(1 - np.sqrt(27 / 29)) and found["leads"].tolist() == [False, True]
    # A third setting, not to be told from the best, brings Holm's factor 2: now 0.070, and nothing is set apart.
    near = [0.90, 0.91, 0.88]
    found = leaders(_matrix([worse, best, near]))
    assert found["p"].iloc[0] == pytest.approx(2 * (1 - np.sqrt(27 / 29))) and not found["leads"].any()
    assert _leading([[0.2, 0.3, 0.25, 0.2], [0.6, 0.61, 0.62, 0.6], [0.61, 0.6, 0.6, 0.61]]) == [1, 2]
    assert _leading([[0.2, 0.3, 0.25, 0.2], [0.6, 0.61, 0.62, 0.6]], higher=False) == [0]


def test_better_on_the_common_seeds_is_not_worse() -> None:
    """The best has two seeds that are easy; on the three that all have, the second is better, the third is worse."""
    best = [0.80, 0.81, 0.79, 0.99, 0.99]
    better, worse = [0.84, 0.86, 0.835, NAN, NAN], [0.70, 0.71, 0.695, NAN, NAN]
    found = leaders(_matrix([best, better, worse]))
    assert found["best"].tolist() == [True, False, False] and (found["p"].iloc[1:] < LEVEL).all()
    assert found["leads"].tolist() == [True, True, False]
    assert not leaders(_matrix([best, better]))["leads"].any()  # nothing is worse
    less = leaders(1 - _matrix([best, better, worse]), higher=False)
    assert less["leads"].tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("rows", "leading"),
    [
        ([[0.5], [0.6]], []),  # one seed
        ([[0.5, 0.6]], []),  # nothing to compare with
        ([[0.5, 0.6], [0.5, 0.6]], []),  # equal at every seed: nothing is worse
        ([[0.5, 0.6], [0.5, 0.6], [0.1, 0.20001]], [0, 1]),
        ([[0.5, 0.6], [0.4, 0.5]], []),  # the same difference at both: no spread to test against
        ([[0.5, 0.6], [0.4, 0.5], [0.5, 0.6], [0.1, 0.20001]], [0, 2]),
        ([[0.5, 0.6], [0.99, NAN], [0.1, 0.20001]], [0]),  # a setting of one seed is not compared
        ([[0.5, 0.6, NAN, NAN], [NAN, NAN, 0.5, 0.6]], []),  # no seed in common
        ([[0.5, INF], [0.5, 0.6]], []),
        ([[NAN, NAN], [NAN, NAN]], []),
    ],
)
def test_what_cannot_be_tested(rows: list[list[float]], leading: list[int]) -> None:
    assert _leading(rows) == leading


def test_the_best_is_told_also_where_nothing_leads() -> None:
    assert leaders(_matrix([[0.5], [0.6]]))["best"].tolist() == [False, True]
    assert leaders(_matrix([[0.5, INF], [0.5, 0.6]]))["best"].tolist() == [True, False]
    assert leaders(_matrix([[0.5], [0.6]]), higher=False)["best"].tolist() == [True, False]


def test_two_equal_settings_are_told_apart_at_the_level() -> None:
    """Over every sign pattern of eight differences, and over draws: two-sided keeps LEVEL though the best is picked."""
    sizes = np.array([1, 2, 3, 5, 8, 13, 21, 34]) / 1000
    false = sum(len(_leading([[0.5] * 8, (0.5 + sizes * signs).tolist()])) == 1 for signs in product((-1, 1), repeat=8))
    by_scipy = sum(stats.ttest_1samp(sizes * signs, 0).pvalue < LEVEL for signs in product((-1, 1), repeat=8))
    assert false == by_scipy and 0 < false / 256 < LEVEL
    rng = np.random.default_rng(0)
    draws = rng.normal(0, 0.01, (2000, 2, 4))
    assert sum(len(_leading(draw.tolist())) == 1 for draw in draws) / 2000 == pytest.approx(LEVEL, abs=0.015)


def test_compare_has_a_row_a_setting_and_column(tmp_path: Path) -> None:
    rows = table(trials("ant_vs_gnt", seeds=3), tmp_path)
    long = by_trial(rows).melt([*SETTING, "seed"], ["clean", "corruption"], "measure", "value")
    found = compare(long, "measure").set_index(["measure", "config"])
    assert len(found) == 2 * 6
    for (measure, config), row in found.iterrows():
        values = long[(long["measure"] == measure) & (long["config"] == config)].sort_values("seed")["value"]
        expected = (3, values.mean(), values.std(ddof=1), values.min(), values.max())
        assert (row["n"], row["mean"], row["std"], row["low"], row["high"]) == pytest.approx(expected)
    for measure, part in found.groupby(level="measure"):
        wide = long[long["measure"] == measure].pivot(index="config", columns="seed", values="value")
        told = leaders(wide)
        assert part.droplevel("measure")["leads"].to_dict() == told["leads"].to_dict()
        assert part.droplevel("measure")["p"].to_dict() == pytest.approx(told["p"].to_dict(), nan_ok=True)
    less = compare(long, "measure", lower={"clean"}).set_index(["measure", "config"])
    assert less.loc["clean"]["best"].idxmax() == found.loc["clean"]["mean"].idxmin()
    assert less.loc["corruption"].equals(found.loc["corruption"])


def test_the_note_says_what_bold_means() -> None:
    def points(n: list[int], leads: list[bool]) -> pd.DataFrame:
        return pd.DataFrame({"n": n, "leads": leads})

    assert "one seed" in lead_note(points([1, 1], [False, False]))
    none = lead_note(points([2, 1], [False, False]))
    assert none.startswith("Nothing is bold: nothing is significantly worse") and "5% level" in none
    few = lead_note(points([3, 3], [True, False]))
    assert "not significantly worse" in few and "5% level" in few and "with 3 seeds only large" in few
    many = lead_note(points([9, 1], [True, False]), "row")
    assert "large" not in many and "best of a row" in many and "settings with one seed are not compared" in many


def test_a_gain_of_nothing_has_no_minus() -> None:
    assert [gain_text(mean, float("nan")) for mean in (-0.0004, 0.0, -0.0006)] == ["+0.0", "+0.0", "-0.1"]
    assert gain_text(0.021, 0.003) == "+2.1 ± 0.3" and gain_text(float("nan"), 0.1) == ""
