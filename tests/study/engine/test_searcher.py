"""Tune's side of a search, without Ray's processes: nodes that share no folder, disks that refuse."""

import json
from pathlib import Path
from typing import Any

import pytest

from search_spaces.core.space import Arm, Range, Search, Study
from study.engine.optimizer import Optimizer
from study.engine.searcher import CandidateSearcher
from study.ledger import candidates, results
from study.ledger.files import StorageError
from study.ledger.folder import Folder
from study.ledger.state import State
from study.plan.space import Space
from tests.support import FINGERPRINT, table

SEARCH = Search(samples=2)
STUDY = Study(
    question="?", arms=(Arm(method="gnt", label="GNT", space={"sigma": Range(0.1, 1.0)}),), reports=(), seeds=1,
    search=SEARCH,
)  # fmt: skip


def _searcher(folder: Folder, told: list[StorageError]) -> CandidateSearcher:
    folder.path.mkdir()
    optimizer = Optimizer("s", Space(STUDY, FINGERPRINT), SEARCH, folder)
    return CandidateSearcher(optimizer, lambda trial: {"trial": trial.key}, told.append)


def test_it_learns_of_what_another_node_has_trained(tmp_path: Path) -> None:
    store = (tmp_path / "store").as_uri()
    folder, other = Folder(tmp_path / "driver", store), Folder(tmp_path / "node", store)
    searcher = _searcher(folder, [])
    for number in ("0", "1"):
        searcher.suggest(number)
        trial = searcher.running[number]
        table([trial], other.trials_path, state=State.VALIDATED)
        other.keep(other.trial(trial.key).mark(State.VALIDATED))
        searcher.on_trial_complete(number, {"done": True, "seconds": 1.0})
    assert searcher.optimizer.complete
    assert [c.state(folder) for c in candidates.read(folder)] == [State.VALIDATED] * 2


def test_a_disk_that_refuses_is_told_and_no_fault_of_the_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[StorageError] = []
    searcher = _searcher(Folder(tmp_path / "driver"), told)
    searcher.suggest("0")

    def refuse(*_: Any, **__: Any) -> None:
        raise StorageError("no room")

    monkeypatch.setattr(searcher.optimizer, "settle", refuse)
    searcher.on_trial_complete("0", {"done": True, "seconds": 1.0})
    assert [str(error) for error in told] == ["no room"]


def test_a_trial_that_is_stopped_early_leaves_all_its_epochs_whoever_trained_them(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "driver")
    searcher = _searcher(folder, [])
    searcher.suggest("0")
    trial = searcher.running["0"]
    folder.write_json(folder.trial(trial.key).becoming(State.STARTED), {})
    epochs = [{"epoch": n, "time": 0.0, "train_loss": 1 / n, "val_accuracy": 0.1 * n} for n in (1, 2, 3, 4)]
    # The first result of a worker that goes on says what was trained before it.
    searcher.on_trial_result("0", {"points": json.dumps(epochs[:3]), "seconds": 1.0})
    searcher.on_trial_complete("0", {"points": json.dumps(epochs[3:]), "seconds": 2.5, "done": True})
    table = folder.trial(trial.key).mark(State.STOPPED)
    losses = [row["value"] for row in results.rows(table) if row["metric"] == "train_loss"]
    assert losses == [1, 1 / 2, 1 / 3, 1 / 4] and results.facts(table)["seconds"] == 2.5
    assert [c.state(folder) for c in candidates.read(folder)][0] is State.STOPPED
