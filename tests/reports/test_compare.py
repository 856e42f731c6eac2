"""Settings side by side: marks and gains against plain loops, what cannot be compared, and what captions say."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.core.compare import (
    MARKS,
    ONE_SEED,
    SETTING,
    compare,
    gain_note,
    gain_text,
    marks_note,
    p_text,
    with_gains,
)
from reports.core.seed_planning import detectable_here
from reports.core.significance import with_best
from reports.core.stats import by_trial
from reports.core.variance_test import equal_variances
from tests.reports.loops import gains, marks
from tests.support import table, trials

NAN, INF = float("nan"), float("inf")


def _long(rows: list[list[float]], column: str = "a") -> pd.DataFrame:
    """A value for each setting (s0, s1, ...) and seed, in the form that `compare` takes."""
    each = [(f"s{i}", seed, value) for i, row in enumerate(rows) for seed, value in enumerate(row)]
    frame = pd.DataFrame(each, columns=["config", "seed", "value"])
    return frame.assign(arm=frame["config"], label=frame["config"], varied="{}", column=column)


def _drawn(number: int, count: int, seeds: int, missing: float = 0.0) -> list[list[float]]:
    rng = np.random.default_rng(number)
    values = rng.normal(0.5, 0.015, (count, 1)) + rng.normal(0, 0.02, seeds) + rng.normal(0, 0.008, (count, seeds))
    values[:, 2:][rng.random((count, seeds - 2)) < missing] = NAN
    return values.tolist()


def _values(rows: list[list[float]]) -> dict[str, dict[int, float]]:
    return {f"s{i}": {s: v for s, v in enumerate(row) if v == v} for i, row in enumerate(rows)}


@pytest.mark.parametrize(
    ("number", "higher", "missing"), [(0, True, 0.0), (1, False, 0.0), (2, True, 0.3), (4, False, 0.3)]
)
def test_marks_against_loops(number: int, higher: bool, missing: float) -> None:
    rows = _drawn(number, 6, 5, missing)
    found = compare(_long(rows), "column", () if higher else ("a",)).set_index("config")
    best, worse = marks(_values(rows), higher)
    assert found["best"].to_dict() == best and found["worse"].to_dict() == worse
    assert 0 < sum(worse.values()) < 5


def test_compare_has_a_row_a_setting_and_column(tmp_path: Path) -> None:
    rows = table(trials("ant_vs_gnt", seeds=3), tmp_path)
    long = by_trial(rows).melt([*SETTING, "seed"], ["clean", "corruption"], "measure", "value")
    found = compare(long, "measure").set_index(["measure", "config"])
    assert len(found) == 2 * 6
    for (measure, config), row in found.iterrows():
        values = long[(long["measure"] == measure) & (long["config"] == config)].sort_values("seed")["value"]
        expected = (3, values.mean(), values.std(ddof=1), values.min(), values.max())
        assert (row["n"], row["mean"], row["std"], row["low"], row["high"]) == pytest.approx(expected)
    for measure, part in found.droplevel("measure").groupby(found.index.get_level_values("measure")):
        wide = long[long["measure"] == measure].pivot(index="config", columns="seed", values="value")
        comparison = with_best(wide)
        expected = comparison.table.loc[part.index]
        assert part["worse"].tolist() == expected["worse"].tolist()
        for name, theirs in {"p": "p", "difference": "difference", "difference_n": "n", "difference_low": "low",
                             "difference_high": "high"}.items():  # fmt: skip
            assert part[name].tolist() == pytest.approx(expected[theirs].tolist(), nan_ok=True), name
        assert set(part["detectable"]) == {detectable_here(comparison)}
        assert set(part["variances_p"]) == {equal_variances(wide.to_numpy())}
    less = compare(long, "measure", lower={"clean"}).set_index(["measure", "config"])
    assert less.loc["clean"]["best"].idxmax() == found.loc["clean"]["mean"].idxmin()
    assert less.loc["corruption"].equals(found.loc["corruption"])


@pytest.mark.parametrize(
    ("rows", "best", "worse"),
    [
        ([[0.5], [0.6]], [], []),  # one seed
        ([[0.5, 0.6]], [], []),  # nothing to compare with
        ([[0.5, 0.6], [0.5, 0.6]], [], []),  # all are the best
        ([[0.5, 0.6], [0.5, 0.6], [0.1, 0.20001]], [0, 1], [2]),
        ([[0.5, 0.6], [0.99, NAN], [0.1, 0.20001]], [0], [2]),  # a setting of one seed is not compared
        ([[0.5, 0.6, NAN, NAN], [NAN, NAN, 0.5, 0.7]], [], []),  # no seed in common
        ([[0.5, INF], [0.5, 0.6]], [], []),
    ],
)
def test_what_cannot_be_compared_has_no_marks(rows: list[list[float]], best: list[int], worse: list[int]) -> None:
    found = compare(_long(rows), "column")
    assert np.flatnonzero(found["best"]).tolist() == best and np.flatnonzero(found["worse"]).tolist() == worse


def test_columns_are_compared_apart_and_nothing_is_no_row() -> None:
    one, two = _drawn(0, 5, 4), _drawn(1, 5, 4)
    both = compare(pd.concat([_long(one, "a"), _long(two, "b")]), "column")
    for name, rows in (("a", one), ("b", two)):
        alone = compare(_long(rows, name), "column")
        pd.testing.assert_frame_equal(both[both["column"] == name].reset_index(drop=True), alone)
    assert compare(_long([[NAN]]), "column").empty


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_gains_against_loops(missing: float) -> None:
    rows = _drawn(4, 6, 5, missing)
    long = _long(rows)
    found = with_gains(compare(long, "column"), long, "column", {f"s{i}": "s2" for i in range(6)}).set_index("config")
    expected = gains(_values(rows), "s2")
    for name, numbers in expected.items():
        row = found.loc[name, ["gain", "gain_low", "gain_high", "gain_p"]]
        assert row.tolist() == pytest.approx(list(numbers), rel=1e-6) and not found.loc[name, "base"]
        assert found.loc[name, "gain_n"] == len(_values(rows)[name].keys() & _values(rows)["s2"].keys())
    base = found.loc["s2"]
    assert base["base"] and base["gain"] == 0 and pd.isna(base["gain_p"]) and pd.isna(base["gain_low"])


def test_settings_of_two_bases_are_two_families() -> None:
    """Each by itself, and p once more for the number of families."""
    rows = _drawn(5, 6, 4)
    long = _long(rows)
    over = {"s0": "s0", "s1": "s0", "s2": "s0", "s3": "s3", "s4": "s3"}
    found = with_gains(compare(long, "column"), long, "column", over).set_index("config")
    values = _values(rows)
    for base, names in (("s0", ("s1", "s2")), ("s3", ("s4",))):
        for name, (gain, low, high, p) in gains({n: values[n] for n in (base, *names)}, base).items():
            row = found.loc[name, ["gain", "gain_low", "gain_high", "gain_p"]].tolist()
            assert row == pytest.approx([gain, low, high, min(1, 2 * p)], rel=1e-6)
    assert found.loc["s5", "gain_n"] == 0 and pd.isna(found.loc["s5", "gain"]) and found["base"].sum() == 2


def test_the_note_says_what_marks_mean_and_how_far_seeds_reach() -> None:
    def note(rows: list[list[float]], **more: object) -> str:
        found = compare(_long(rows), "column")
        return marks_note(found, found, **more)  # type: ignore[arg-type]

    test = "moderated paired comparisons over seeds, studentised range, family-wise 5% level"
    assert note([[0.5], [0.6]]) == ONE_SEED == "One seed: no difference can be told from chance."
    assert note([[0.5, 0.6]]).startswith("Nothing is compared: ")
    assert note([[0.5, 0.6], [0.5, 0.6]]) == f"Nothing is told apart from the best ({test})."
    some = note(_drawn(0, 6, 5), name="mean")
    assert some.startswith(f"Bold: best mean. †: significantly worse than it ({test}). With 5 seeds differences above ")
    assert some.endswith(" points (mean) are told apart with power 0.8.")
    equal = np.random.default_rng(1).normal(0.5, 0.01, (5, 4)).tolist()
    none = note(equal, scale=1, unit=" px")
    assert none.startswith(f"Bold: best mean. Nothing is told apart from the best ({test}). With 4 seeds ")
    size = detectable_here(with_best(pd.DataFrame(equal)))
    assert f"differences above {size:.2g} px are" in none
    assert "Where seeds are missing, pairs are compared at those that both have." in note(
        [*equal, [0.5, 0.51, 0.5, NAN]]
    )
    assert "at those that both have; settings with one seed are not." in note([*equal, [0.5, NAN, NAN, NAN]])
    assert "missing" not in some and "vary differently" not in some
    wild = [*_drawn(0, 5, 4), [0.5, 0.9, 0.1, 0.4]]
    assert note(wild).endswith("with 4 seeds a setting may be called worse by chance more often than in 5% of studies.")


def test_gains_and_p_in_print() -> None:
    assert [gain_text(mean) for mean in (-0.0004, 0.0, -0.0006)] == ["+0.0", "+0.0", "-0.1"]
    assert gain_text(0.021, 0.0041, 0.0379) == "+2.1 (0.4 to 3.8)" and gain_text(NAN, 0.1, 0.2) == ""
    assert gain_text(-0.001, -0.0034, -0.0002) == "-0.1 (-0.3 to 0.0)"
    assert [p_text(p) for p in (NAN, 0.0001, 0.0314)] == ["", "<0.001", "0.031"]
    points = pd.DataFrame({"gain_low": [NAN, 0.1]})
    assert gain_note(points, "A", "clean") == (
        "Gain (clean): over A at the seeds both have, with its 95% interval (moderated paired t)."
    )
    assert gain_note(points[:1], "A") == "Gain: over A at the seeds both have."
    assert len(set(MARKS)) == len(MARKS)
