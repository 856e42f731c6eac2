"""The two sentences by a table of situations, and rules that no study breaks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.core.conclusion import Conclusion, Unit, conclude
from reports.core.seed_planning import detectable_here, seeds_to_settle
from reports.core.significance import with_best

NAN, INF = float("nan"), float("inf")


def _frame(rows: dict[str, list[float]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows.values()), index=list(rows), dtype=float)


CLEAR = {"Nothing": [0.70, 0.72, 0.71], "G": [0.80, 0.822, 0.81], "S": [0.75, 0.768, 0.761]}
TIED = {"Nothing": [0.70, 0.72, 0.71], "G": [0.80, 0.822, 0.81], "S": [0.80, 0.818, 0.815]}
CHANCE = {"Nothing": [0.70, 0.72, 0.71], "G": [0.71, 0.722, 0.72]}

SITUATIONS: list[tuple[str, dict[str, list[float]], str | None, str, str]] = [
    (
        "all is settled",
        CLEAR,
        "Nothing",
        "G wins: it has the highest accuracy under corruption, 81.1%, significantly better than every other "
        "setting of the study, 10.1 points above the base Nothing (95% interval 9.7 to 10.5; better at 3 of "
        "3 seeds).",
        "All is settled at the 5% level.",
    ),
    (
        "no base: the next best is what the winner is measured against",
        CLEAR,
        None,
        "G wins: it has the highest accuracy under corruption, 81.1%, significantly better than every other "
        "setting of the study, 5.1 points above S (95% interval 4.7 to 5.5; better at 3 of 3 seeds).",
        "All is settled at the 5% level.",
    ),
    (
        "the base is beaten, the best is not settled",
        TIED,
        "Nothing",
        "S has the highest accuracy under corruption, 81.1%, 10.1 points above the base Nothing (95% "
        "interval 9.4 to 10.8; better at 3 of 3 seeds).",
        "With 3 seeds S is not told apart from G (differences of 0.9 points would be seen 4 times in 5).",
    ),
    (
        "nothing is settled",
        CHANCE,
        "Nothing",
        "G has the highest accuracy under corruption, 71.7%, 0.7 points above the base Nothing, which can be "
        "chance (95% interval -0.4 to 1.9; better at 3 of 3 seeds).",
        "With 3 seeds G is not told apart from the base Nothing (differences of 1.5 points would be seen 4 times "
        "in 5; about 6 seeds would settle the two if their differences stay).",
    ),
    (
        "the base is the best",
        CLEAR,
        "G",
        "The base G has the highest accuracy under corruption, 81.1%; 2 of 2 other settings are significantly worse.",
        "All is settled at the 5% level.",
    ),
    (
        "the base is the best, and nothing is worse",
        CHANCE,
        "G",
        "The base G has the highest accuracy under corruption, 71.7%; the other setting is not significantly worse.",
        "With 3 seeds G is not told apart from Nothing (differences of 1.5 points would be seen 4 times in 5; "
        "about 6 seeds would settle the two if their differences stay).",
    ),
    (
        "one seed",
        {"Nothing": [0.7], "G": [0.8]},
        "Nothing",
        "G has the highest accuracy under corruption, 80.0%.",
        "Nothing is settled: with one seed no difference can be told from chance.",
    ),
    (
        "one seed, and half of the trials are missing",
        {"Nothing": [0.7, NAN], "G": [NAN, 0.8]},
        "Nothing",
        "G has the highest accuracy under corruption, 80.0%.",
        "Nothing is settled: with one seed no difference can be told from chance; 2 of 4 trials are missing.",
    ),
    (
        "no seed in common",
        {"Nothing": [0.7, 0.72, NAN, NAN], "G": [NAN, NAN, 0.8, 0.82]},
        "Nothing",
        "G has the highest accuracy under corruption, 81.0%.",
        "Nothing is settled: no other setting has two seeds in common with G; 4 of 8 trials are missing.",
    ),
    (
        "only one setting has results",
        {"Nothing": [0.7, 0.72], "G": [NAN, NAN]},
        "Nothing",
        "Only Nothing has results: its accuracy under corruption is 71.0% (2 seeds).",
        "Nothing is settled: there is nothing to compare with; 2 of 4 trials are missing.",
    ),
    (
        "no trial has a result",
        {"Nothing": [NAN], "G": [NAN]},
        "Nothing",
        "No trial has a result.",
        "Nothing is settled: there is nothing to compare; 2 of 2 trials are missing.",
    ),
    (
        "one setting has one seed, and a higher value",
        CLEAR | {"T": [0.99, NAN, NAN]},
        "Nothing",
        "G wins: it has the highest accuracy under corruption of the settings with two seeds or more, 81.1%, "
        "significantly better than every other setting that it can be compared with, 10.1 points above the "
        "base Nothing (95% interval 9.7 to 10.5; better at 3 of 3 seeds).",
        "T cannot be compared (fewer than two seeds in common with the best); 2 of 12 trials are missing.",
    ),
    (
        "all others have one seed, and a higher value",
        {"A": [0.5, 0.6], "T": [0.99, NAN]},
        "T",
        "A has the highest accuracy under corruption of the settings with two seeds or more, 55.0%.",
        "Nothing is settled: no other setting has two seeds in common with A; 1 of 4 trials is missing.",
    ),
    (
        "twins",
        {"A": [0.8, 0.81], "B": [0.8, 0.81]},
        None,
        "A and B have the highest accuracy under corruption, 80.5%.",
        "With 2 seeds A is not told apart from B.",
    ),
    (
        "twins lead over a base",
        {"Nothing": [0.70, 0.72, 0.71], "A": [0.80, 0.822, 0.81], "B": [0.80, 0.822, 0.81]},
        "Nothing",
        "A and B have the highest accuracy under corruption, 81.1%; A: 10.1 points above the base Nothing "
        "(95% interval 9.8 to 10.4; better at 3 of 3 seeds).",
        "With 3 seeds A is not told apart from B (differences of 0.4 points would be seen 4 times in 5).",
    ),
    (
        "the same difference at every seed",
        {"A": [0.80, 0.81], "B": [0.70, 0.71]},
        None,
        "A has the highest accuracy under corruption, 80.5%, 10.0 points above B, which can be chance "
        "(better at 2 of 2 seeds).",
        "With 2 seeds A is not told apart from B.",
    ),
    (
        "the best has easy seeds",
        {"G": [0.80, 0.81, 0.79, 0.99, 0.99], "Nothing": [0.84, 0.86, 0.835, NAN, NAN]},
        "Nothing",
        "G has the highest accuracy under corruption, 87.6%, but no gain over the base Nothing at the seeds "
        "that both have (95% interval -5.7 to -3.3; better at 0 of 3 seeds).",
        "With 3 seeds G is not told apart from the base Nothing (differences of 1.6 points would be seen 4 times "
        "in 5); 2 of 10 trials are missing.",
    ),
    (
        "infinite values",
        {"A": [0.8, INF], "B": [0.7, 0.71]},
        None,
        "The settings cannot be compared: some values of accuracy under corruption are infinite.",
        "Nothing is settled.",
    ),
]


@pytest.mark.parametrize(
    ("rows", "base", "wins", "unsettled"), [s[1:] for s in SITUATIONS], ids=[s[0] for s in SITUATIONS]
)
def test_situations(rows: dict[str, list[float]], base: str | None, wins: str, unsettled: str) -> None:
    assert conclude(_frame(rows), base) == Conclusion(wins, unsettled)


LOW, EVEN, TOP = [0.97, 0.972, 0.969], [0.98, 0.97, 0.98], [0.98, 0.981, 0.979]


@pytest.mark.parametrize(
    ("clean", "text"),
    [
        ({"Nothing": TOP, "G": LOW}, ", at a clean cost of 1.0 points (0.8 to 1.1)."),
        ({"Nothing": LOW, "G": TOP}, ", and 1.0 points better on clean data (0.8 to 1.1)."),
        (
            {"Nothing": EVEN, "G": [0.97, 0.98, 0.978]},
            ", without a significant clean cost (0.067 points, -2.4 to 2.6).",
        ),
        ({"Nothing": [0.98, NAN, NAN], "G": [0.97, NAN, NAN]}, "better at 3 of 3 seeds)."),
        ({"G": EVEN}, "better at 3 of 3 seeds)."),
    ],
)
def test_the_clean_cost(clean: dict[str, list[float]], text: str) -> None:
    assert conclude(_frame(CLEAR), "Nothing", _frame(clean)).wins.endswith(text)


def test_a_cost_is_said_where_the_gain_is_significant_alone() -> None:
    clean = _frame({"Nothing": [0.98, 0.981, 0.979], "G": [0.97, 0.972, 0.969]})
    assert "clean" not in conclude(_frame(CHANCE), "Nothing", clean).wins


def test_planned_trials_that_have_no_row_are_missing() -> None:
    wins, unsettled = conclude(_frame(CLEAR), "Nothing", planned=12)
    assert unsettled == "3 of 12 trials are missing." and "that it can be compared with" in wins
    assert conclude(_frame(CLEAR), planned=10).unsettled == "1 of 10 trials is missing."


def test_other_quantities_units_and_directions() -> None:
    rows = _frame({"Nothing": [4.0, 4.1, 4.2], "G": [3.0, 3.11, 3.2]})
    wins = conclude(rows, "Nothing", quantity="mCE", higher=False, unit=Unit(1, "", "")).wins
    assert (
        wins.startswith("G wins: it has the lowest mCE, 3.1, significantly better than")
        and "1.0 below the base" in wins
    )


def test_many_settings_are_counted() -> None:
    rng = np.random.default_rng(0)
    rows = {f"s{place}": list(0.7 + 0.01 * rng.standard_normal(3)) for place in range(9)}
    assert ", " in (text := conclude(_frame(rows)).unsettled) and " and 5 others (differences of" in text


def test_settings_that_vary_differently_are_doubted() -> None:
    rng = np.random.default_rng(1)
    rows = _frame({f"s{place}": list(rng.standard_normal(4) * (30 if place == 5 else 1) / 100) for place in range(6)})
    rows.loc["top"] = 5.0
    assert conclude(rows).unsettled.endswith("vary differently over seeds, which makes a test with 4 seeds less sure.")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 4), st.sampled_from([0.0, 0.3, 0.8]), st.booleans())
def test_no_study_breaks_the_rules(number: int, count: int, seeds: int, missing: float, higher: bool) -> None:
    rng = np.random.default_rng(number)
    y = (rng.normal(0.5, 0.1, (count, 1)) + rng.normal(0, 0.03, (count, seeds))).round(rng.integers(1, 5))
    y[rng.random((count, seeds)) < missing] = NAN
    values = pd.DataFrame(y, index=[f"s{place}" for place in range(count)])
    base = "s0" if number % 2 else None
    wins, unsettled = conclude(values, base, values - 0.1, higher=higher)
    for text in (wins, unsettled):
        assert text.endswith(".") and text.count(". ") == 0 and "nan" not in text and "-0.0 " not in text
    present = values.dropna(how="all")
    comparison = with_best(present, higher)
    others = comparison.table[comparison.table["variance"].notna() & ~comparison.table["best"]]
    if "est accuracy" in wins and "of the settings" not in wins:
        means = present.mean(axis=1)
        assert means[comparison.reference] == (means.max() if higher else means.min())
    if " wins: " in wins:
        assert others["worse"].all() and len(others) and present.loc[comparison.reference].count() > 1
    if "interval" in wins and "no gain" not in wins:
        row = others.loc[base] if base in others.index else others.sort_values("difference", kind="stable").iloc[0]
        assert row["worse"] == ("can be chance" not in wins) and row["difference"] > 0
    if unsettled == "All is settled at the 5% level.":
        assert others["worse"].all() and len(others) == count - 1 and not values.isna().to_numpy().any()
    if seeds == 1:
        assert "significant" not in wins and "Nothing is settled" in unsettled
    if values.isna().to_numpy().any():
        assert "missing" in unsettled
    if "differences of" in unsettled:
        assert detectable_here(comparison) > 0
    if "would settle" in unsettled:
        assert f"about {seeds_to_settle(comparison)} seeds" in unsettled
