"""The numbers of a page's head, beside the differences computed by hand."""

from pathlib import Path

import pandas as pd
import pytest

from reports.core.cards import cards
from reports.core.significance import with_best
from reports.core.stats import by_corruption, by_trial
from tests.support import table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("sigma_sweep", seeds=3), tmp_path_factory.mktemp("results"))


def _number(text: str) -> float:
    return float(text.split()[0].replace("\N{MINUS SIGN}", "-"))


def test_gains_are_paired_differences_of_the_best_and_the_base(rows: pd.DataFrame) -> None:
    trials_of = by_trial(rows).set_index(["label", "seed"])
    means = trials_of["corruption"].groupby("label").mean()
    best, base = means.idxmax(), "GNT, sigma 0"
    listed = cards(rows)
    for card, measure in zip(listed, ("corruption", "corruption_no_noise", "clean"), strict=False):
        differences = trials_of.loc[best, measure] - trials_of.loc[base, measure]
        assert _number(card.value) == pytest.approx(100 * differences.mean(), abs=0.06)
    matrix = trials_of["corruption"].unstack()
    row = with_best(matrix, best=best).table.loc[base]
    low = float(listed[0].note.split()[2].replace("\N{MINUS SIGN}", "-"))
    assert low == pytest.approx(100 * row["low"], abs=0.06)


def test_the_most_and_least_helped_corruptions_are_the_ends(rows: pd.DataFrame) -> None:
    most, least = cards(rows)[-2:]
    means = by_corruption(rows).dropna(subset="family")
    table_of = means.groupby(["label", "corruption"])["accuracy"].mean().unstack(0)
    best = by_trial(rows).groupby("label")["corruption"].mean().idxmax()
    gains = table_of[best] - table_of["GNT, sigma 0"]
    assert most.title == f"Most helped: {gains.idxmax().replace('_', ' ')}"
    assert least.title == f"Least helped: {gains.idxmin().replace('_', ' ')}"
    assert most.note.endswith(f"one of {len(gains)}")


def test_one_seed_has_no_interval_and_no_base_no_cards(rows: pd.DataFrame, tmp_path: Path) -> None:
    assert all("no interval" in card.note for card in cards(rows[rows["seed"] == 0]))
    assert cards(rows[rows["label"] == "GNT, sigma 0"]) == []
    assert cards(rows.iloc[:0]) == []
