"""A study's conclusion and reach, from tidy rows."""

import re
from pathlib import Path
from statistics import fmean

import pandas as pd
import pytest

from reports.core.compare import ONE_SEED
from reports.core.conclusion import conclude
from reports.core.seed_planning import detectable_here, seeds_to_settle
from reports.core.significance import with_best
from reports.core.study_conclusion import (
    FIRST,
    MOST,
    Findings,
    WantedSeeds,
    findings,
    seed_power,
    study_conclusion,
    wanted_seeds,
)
from study.ledger import results
from study.ledger.trial import Trial
from tests.reports.loops import accuracies
from tests.support import CORRUPTIONS, table, trials

SHIFT = {
    "GNT 0.5": 0.1,
    "GNT, set of sigmas": 0.097,
    "Speckle": 0.095,
    "ANT 1x1": 0.02,
    "ANT 3x3": 0.01,
    "Vanilla": 0.0,
}
"""Arm -> what it adds to the accuracy under corruption."""
JITTER = [[0, 1, 2], [1, 0, 3], [2, 2, 0], [0, 3, 1], [3, 0, 0], [1, 1, 1]]
"""What an arm's seeds add, in thousandths."""


def _accuracy(trial: Trial, corruption: str, severity: int) -> float:
    jitter = JITTER[list(SHIFT).index(trial.arm)][trial.seed] / 1000
    if corruption == "clean":
        return 0.9 - SHIFT[trial.arm] / 2 + jitter
    return 0.6 + SHIFT[trial.arm] + 0.01 * trial.seed + jitter - 0.01 * severity


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("ant_vs_gnt", seeds=3), tmp_path_factory.mktemp("results"), _accuracy)


def _by_hand(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracy under corruption and on clean images, labels x seeds, by loops."""
    each, robust, clean = accuracies(rows), {}, {}
    for (label, seed), found in each.items():
        robust.setdefault(label, {})[seed] = fmean(fmean(found[c].values()) for c in CORRUPTIONS)
        clean.setdefault(label, {})[seed] = found["clean"][0]
    return pd.DataFrame(robust).T, pd.DataFrame(clean).T


def test_it_is_the_conclusion_of_the_accuracies_under_corruption(rows: pd.DataFrame) -> None:
    robust, clean = _by_hand(rows)
    wins, unsettled = study_conclusion(rows, 18)
    assert (wins, unsettled) == conclude(robust, "Vanilla", clean, 18)
    assert wins.startswith("GNT 0.5 has the highest accuracy under corruption, 68.")
    assert "above the base Vanilla" in wins
    assert "at a clean cost of 5.0 points" in wins and "not told apart from GNT, set of sigmas" in unsettled


def test_trials_that_are_missing_are_said(rows: pd.DataFrame) -> None:
    lost = rows[(rows["label"] != "Speckle") & ((rows["label"] != "ANT 3x3") | (rows["seed"] != 1))]
    assert "4 of 18 trials are missing" in study_conclusion(lost, 18).unsettled
    assert "missing" not in study_conclusion(rows, 18).unsettled


def test_without_corruptions_it_is_of_clean_accuracy(rows: pd.DataFrame) -> None:
    wins = study_conclusion(rows[rows["benchmark"].isin(["clean", "training"])], 18).wins
    assert wins.startswith("The base Vanilla has the highest clean accuracy, 90.") and "clean cost" not in wins


def test_where_little_is_there_nothing_is_invented(rows: pd.DataFrame) -> None:
    empty = results.read([])
    assert study_conclusion(empty, 18).wins == "No trial has a result." and seed_power(empty) == ""
    one = rows[rows["seed"] == 0]
    assert "with one seed no difference can be told from chance" in study_conclusion(one, 18).unsettled
    assert seed_power(one) == ONE_SEED
    assert wanted_seeds(one) == WantedSeeds(FIRST, (FIRST - 1) * one["config"].nunique())
    alone = rows[rows["label"] == "Speckle"]
    assert study_conclusion(alone, 3).wins.startswith("Only Speckle has results") and seed_power(alone) == ""
    assert wanted_seeds(alone) is None
    wins, unsettled = study_conclusion(alone, 3, chosen=True)
    assert wins.startswith("Speckle was chosen on validation images: its accuracy under corruption is ")
    assert unsettled == "Nothing is settled: no other setting was measured on test images."


def test_the_reach_of_the_seeds_and_what_would_settle_the_best_three(rows: pd.DataFrame) -> None:
    comparison = with_best(_by_hand(rows)[0])
    needed = seeds_to_settle(comparison)
    assert needed is not None and needed > 3
    text = seed_power(rows)
    size = f"{100 * detectable_here(comparison):.1f}"
    reach = f"With 3 seeds differences above {size} points are told apart with power 0.8"
    assert text.startswith(f"{reach}; about {needed} seeds would")
    assert text.endswith(f" settle the best three ({3 * (needed - 3)} more trials of these).")
    costly = seed_power(rows, 120.0)
    assert costly == text.replace(").", f", about {2 * 3 * (needed - 3)} minutes).")
    assert "under a minute" in seed_power(rows, 0.1)
    near = [name for name, worse in comparison.table["worse"].items() if not worse]
    expected = WantedSeeds(needed, len(near) * (needed - 3)) if needed <= MOST else None
    assert wanted_seeds(rows) == expected
    lost = rows[(rows["label"] != "GNT 0.5") | (rows["seed"] != 0)]
    ((seeds, more),) = re.findall(r"about (\d+) seeds .* \((\d+) more", seed_power(lost))
    assert int(more) == 3 * (int(seeds) - 3) + 1 and seed_power(lost).startswith("With 2 seeds")


def test_a_settled_study_and_one_that_seeds_cannot_settle(tmp_path: Path) -> None:
    some = trials("ant_vs_gnt", seeds=3)

    def apart(trial: Trial, corruption: str, severity: int) -> float:
        return _accuracy(trial, corruption, severity) + 0.05 * list(SHIFT)[::-1].index(trial.arm)

    settled = seed_power(table(some, tmp_path / "a", apart))
    assert settled.endswith("are told apart with power 0.8; the best three are told apart.")
    assert wanted_seeds(table(some, tmp_path / "a", apart)) is None

    def tied(trial: Trial, corruption: str, severity: int) -> float:
        return _accuracy(trial, corruption, severity) - SHIFT[trial.arm] - JITTER[5][trial.seed] / 1000

    close = seed_power(table(some, tmp_path / "b", tied))
    assert close.endswith("; the best three are too close for more seeds to settle.")
    assert wanted_seeds(table(some, tmp_path / "b", tied)) is None


def test_findings_are_all_three_and_nothing_without_accuracies(rows: pd.DataFrame) -> None:
    said = findings(rows, 18, 60.0)
    assert (
        said is not None and said[:3] == (*study_conclusion(rows, 18), seed_power(rows, 60.0)) and len(said.cards) == 5
    )
    assert findings(rows[rows["benchmark"] == "training"], 18) is None


def test_doubts_are_introduced_where_they_are_some() -> None:
    texts = ("All is settled at the 5% level.", "Nothing is settled: there is nothing to compare.")
    assert all(Findings("", text, "").doubt == text for text in texts)
    assert Findings("", "With 3 seeds a is not told apart from b.", "").doubt.startswith(
        "Not settled yet: With 3 seeds"
    )
