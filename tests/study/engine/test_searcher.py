"""Tune's side of a search, without Ray's processes: nodes that share no folder, disks that refuse."""

from pathlib import Path
from typing import Any

import pytest

from search_spaces.core.space import Arm, Range, Search, Study
from study.engine.optimizer import Optimizer
from study.engine.searcher import CandidateSearcher
from study.ledger import candidates
from study.ledger.files import StorageError
from study.ledger.folder import Folder
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
        table([trial], other.validation("").parent)
        other.keep(other.validation(trial.key))
        searcher.on_trial_complete(number, {"done": True})
    assert searcher.optimizer.complete
    assert [c.outcome(folder) for c in candidates.read(folder)] == ["validated"] * 2


def test_a_disk_that_refuses_is_told_and_no_fault_of_the_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[StorageError] = []
    searcher = _searcher(Folder(tmp_path / "driver"), told)
    searcher.suggest("0")

    def refuse(*_: Any, **__: Any) -> None:
        raise StorageError("no room")

    monkeypatch.setattr(searcher.optimizer, "settle", refuse)
    searcher.on_trial_complete("0", {"done": True})
    assert [str(error) for error in told] == ["no room"]
