"""What a study says, from tables of which the truth is known."""

import random
import re
from pathlib import Path

import pandas as pd
import pytest

from reports.core.study_conclusion import findings, seed_power
from study.ledger.trial import Trial
from tests.support import table, trials

SOME = [t for t in trials("sigma_sweep", seeds=5) if t.arm == "GNT" and t.params["sigma"] in (0.0, 0.08, 0.38, 1.0)]


def _rows(folder: Path, gaps: dict[float, float], seeds: int = 5) -> pd.DataFrame:
    """A study whose settings are so much better under corruption than vanilla training, with little noise."""

    def value(trial: Trial, corruption: str, severity: int) -> float:
        own, seed = random.Random(f"{trial.key}"), random.Random(trial.seed)
        return 0.6 + gaps[trial.params["sigma"]] + own.uniform(-0.004, 0.004) + seed.uniform(-0.03, 0.03)

    return table([t for t in SOME if t.seed < seeds], folder, value)


def test_a_clear_winner_is_named_with_its_gain_over_vanilla_training(tmp_path: Path) -> None:
    said = findings(_rows(tmp_path, {0.0: 0, 0.08: 0.05, 0.38: 0.15, 1.0: 0.02}), 20)
    assert said is not None
    assert said.wins.startswith("GNT, sigma 0.38 wins: it has the highest accuracy under corruption")
    gain = re.search(r"([\d.]+) points", said.wins)
    assert gain is not None and abs(float(gain[1]) - 15) < 0.5 and "5 of 5 seeds" in said.wins
    assert said.unsettled.startswith("All is settled")


def test_a_tie_is_called_one_and_more_seeds_have_their_price(tmp_path: Path) -> None:
    said = findings(_rows(tmp_path, {0.0: 0, 0.08: 0.1, 0.38: 0.101, 1.0: 0.02}, seeds=3), 12, seconds=60.0)
    assert said is not None and "wins" not in said.wins
    assert "not told apart" in said.unsettled
    price = re.search(r"would take (\d+) seeds of each: (\d+) more trials, about ([\d.]+) (min|h)", said.power)
    assert price is None or int(price[2]) == 3 * (int(price[1]) - 3)


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_say_little(seeds: int, tmp_path: Path) -> None:
    said = findings(_rows(tmp_path, {0.0: 0, 0.08: 0.05, 0.38: 0.15, 1.0: 0.02}, seeds), 4 * seeds)
    assert said is not None and ("wins" not in said.wins or seeds > 1)
    assert (said.power == "") is (seeds == 1)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    rows = _rows(tmp_path, {0.0: 0, 0.08: 0.05, 0.38: 0.15, 1.0: 0.02})
    said = findings(rows[rows["trial"] != SOME[0].key], 20)
    assert said is not None and "1 of 20 trials" in said.unsettled


def test_without_accuracies_there_is_nothing_to_say(tmp_path: Path) -> None:
    rows = _rows(tmp_path, {0.0: 0, 0.08: 0.05, 0.38: 0.15, 1.0: 0.02})
    assert findings(rows[rows["benchmark"] == "training"], 20) is None


def test_settings_that_do_not_vary_have_no_power_to_speak_of() -> None:
    assert seed_power(pd.DataFrame([[0.5, 0.5], [0.6, 0.6]])) == ""
