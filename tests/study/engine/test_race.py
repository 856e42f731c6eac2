"""A race: rounds, what is dropped and on what evidence, and that an interruption changes nothing."""

import json
import random
from pathlib import Path

import pytest

from study.engine.race import Race, Rules
from study.errors import UserError
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial
from study.plan.options import Options
from study.plan.race_rounds import ROUNDS, rounds_of
from tests.support import table, trials

SETTINGS = [t for t in trials("sigma_sweep", seeds=1) if t.arm == "GNT"][:5]
RULES = Rules("corruption", (3, 5, 8), None)


def _measure(folder: Folder, some: list[Trial], gaps: list[float]) -> None:
    """Validates the trials: a setting's accuracy is .8 less its gap, with a common part of each seed and noise."""

    def value(trial: Trial, corruption: str, severity: int) -> float:
        gap = gaps[[s.config_id for s in SETTINGS].index(trial.config_id)]
        seed, own = random.Random(trial.seed), random.Random(f"{trial.key}")
        return 0.8 - gap + seed.uniform(-0.05, 0.05) + own.uniform(-0.004, 0.004)

    new = [trial for trial in some if not folder.trial(trial.key).mark(State.VALIDATED).exists()]
    table(new, folder.trials_path, value, State.VALIDATED)


def _run(folder: Folder, gaps: list[float], rules: Rules = RULES, rounds: int = 99) -> Race:
    race = Race(folder, SETTINGS, rules)
    while race.reason is None and rounds:
        _measure(folder, race.trials(), gaps)
        race.decide()
        rounds -= 1
    return race


def test_what_is_worse_gets_no_more_seeds_and_the_best_is_left(tmp_path: Path) -> None:
    race = _run(Folder(tmp_path), [0.0, 0.2, 0.3, 0.0205, 0.4])
    dropped = {
        row["label"]: decision["round"] for decision in race.decided for row in decision["settings"] if row["dropped"]
    }
    assert {SETTINGS[i].label for i in (1, 2, 4)} <= {label for label, number in dropped.items() if number == 1}
    assert race.reason == "one left" and [t.config_id for t in race.left] == [SETTINGS[0].config_id]
    for decision in race.decided:
        for row in decision["settings"]:
            if row["dropped"]:
                assert row["low"] > 0 and row["p"] < 0.05 / 3 and row["seeds"] == RULES.rounds[decision["round"] - 1]


def test_equal_settings_run_to_the_limit(tmp_path: Path) -> None:
    race = _run(Folder(tmp_path), [0.0] * 5)
    assert race.reason == "limit" and len(race.decided) == 3 and len(race.left) == 5
    assert len(race.trials()) == 5 * 8 and [t.seed for t in race.trials()[:5]] == [0] * 5


def test_a_margin_ends_it_where_nothing_worth_having_is_left_to_find(tmp_path: Path) -> None:
    race = _run(Folder(tmp_path), [0.0] * 5, Rules("corruption", (3, 5, 8), 0.03))
    assert race.reason == "within margin" and race.number == 1
    ends = [row["high"] for row in race.decided[-1]["settings"] if not row["best"]]
    assert max(ends) <= 0.03


def test_it_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    gaps = [0.0, 0.004, 0.05, 0.002, 0.2]
    whole = _run(Folder(tmp_path / "whole"), gaps)
    folder = Folder(tmp_path / "often")
    for _ in range(3):
        _run(folder, gaps, rounds=1)
    assert Race(folder, SETTINGS, RULES).decided == whole.decided and whole.reason is not None


def test_a_setting_of_which_every_seed_fails_is_out(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    race = Race(folder, SETTINGS, RULES)
    _measure(folder, [t for t in race.trials() if t.config_id != SETTINGS[2].config_id], [0.0] * 5)
    race.decide()
    assert SETTINGS[2].config_id not in {t.config_id for t in race.left} and len(race.left) == 4
    json.loads(folder.race.read_text())  # no number that JSON lacks


def test_its_level_is_shared_among_the_rounds_it_began_with(tmp_path: Path) -> None:
    _run(Folder(tmp_path), [0.0] * 5, rounds=1)
    with pytest.raises(UserError, match="begun with rounds of 3, 5, 8 seeds.*Leave --max-seeds as it was"):
        Race(Folder(tmp_path), SETTINGS, Rules("corruption", (3, 5), None))


@pytest.mark.parametrize(
    ("limit", "rounds"), [(None, ROUNDS), (20, ROUNDS), (6, (3, 5, 6)), (3, (3,)), (30, (*ROUNDS, 30))]
)
def test_rounds(limit: int | None, rounds: tuple[int, ...]) -> None:
    assert rounds_of(Options(until_sure=True, max_seeds=limit)) == rounds


def test_options_of_a_race_need_one() -> None:
    assert rounds_of(Options()) == ()
    for options, name in ((Options(within=1.0), "--within"), (Options(max_seeds=5), "--max-seeds")):
        with pytest.raises(UserError, match=f"{name} belongs to a race. Add --until-sure"):
            rounds_of(options)
