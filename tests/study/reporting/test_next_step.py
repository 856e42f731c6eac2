"""What to run next: trials without a result first, then a race of what is not told apart."""

from pathlib import Path

import pytest

from reports.core.stats import duration_text
from reports.core.study_conclusion import WantedSeeds
from study.ledger.folder import Folder, write_json
from study.ledger.state import State
from study.reporting import directories as gather
from study.reporting.next_step import next_steps
from tests.study.reporting.test_make import FACTS, TRIALS
from tests.support import table

WANTED = {"digits": WantedSeeds(7, 20)}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "my home")
    command = "study launch sigma_sweep --seeds 2 --set 'sigma=0, 1' --max-seeds=9"
    made.claim("sigma_sweep", "id", TRIALS, {**FACTS, "command": command})
    return made


def test_trials_without_a_result_come_first(folder: Folder) -> None:
    table(TRIALS[:-2], folder.trials_path)
    write_json(folder.trial(TRIALS[-1].key).mark(State.FAILED), {"reason": "out of memory"})
    (step,) = next_steps([gather.look(folder)], WANTED, 90.0)
    assert step.why.startswith("2 trials without a result, about 3 minutes of work, one after the other; if no launch")
    assert step.command == f"study resume '{folder.path}'"


def test_then_a_race_of_what_is_not_told_apart(folder: Folder, tmp_path: Path) -> None:
    table(TRIALS, folder.trials_path)
    source = gather.look(folder)
    (step,) = next_steps([source], WANTED, 60.0)
    assert step.command == "study launch sigma_sweep --set 'sigma=0, 1' --until-sure --max-seeds 7"
    assert "Up to 7 seeds" in step.why and "at most 20 trials more, about 20 minutes of work" in step.why
    assert next_steps([source], {}, 60.0) == [] == next_steps([source, source], WANTED, 60.0)


def test_a_search_has_no_race(folder: Folder) -> None:
    table(TRIALS, folder.trials_path)
    folder.candidate(0).parent.mkdir(parents=True)
    assert next_steps([gather.look(folder)], WANTED, 60.0) == []


def test_a_populations_best_schedule_gets_more_seeds(folder: Folder) -> None:
    table(TRIALS, folder.trials_path)
    folder.candidate(0).parent.mkdir(parents=True)
    folder.population.mkdir()
    (step,) = next_steps([gather.look(folder)], WANTED, 60.0)
    assert step.command == f"study launch '{folder.report / 'best_schedule.py'}' --seeds 7"
    assert step.why.startswith("7 seeds of the schedule and of its mean values") and "20 trials more than" in step.why


def test_a_damaged_table_of_a_member_is_nothing_to_resume(folder: Folder) -> None:
    table(TRIALS, folder.trials_path)
    folder.population.mkdir()
    (folder.population / "001.parquet").write_bytes(b"PAR1")
    source = gather.look(folder)
    assert source.missing and next_steps([source], {}, 60.0) == []


def test_durations() -> None:
    texts = [duration_text(seconds) for seconds in (10, 60, 300, 5300, 5400, 36000)]
    assert texts == ["under a minute", "about 1 minute", "about 5 minutes", "about 88 minutes", "about 1.5 hours",
                     "about 10 hours"]  # fmt: skip
