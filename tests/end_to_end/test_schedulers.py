"""Schedulers on real workers: poor settings are stopped on validation data, and only the chosen one is tested."""

from pathlib import Path

import pytest

from study.ledger import candidates, results
from study.ledger.folder import Folder
from study.ledger.state import State
from tests.end_to_end.launches import Ray, children, finished, run

POOR = (1e-6, 2e-6)
STUDY = """
from search_spaces.core.space import Arm, Grid, Scheduler, Search, Study

STUDY = Study(
    question="Which learning rate?",
    arms=(Arm(method="standard", label="Vanilla", space={{"lr": Grid(1e-3, 2e-3, 5e-4, {poor})}}),),
    recipe={{"epochs": 4}},
    reports=("method_comparison",),
    search=Search(algorithm="grid", objectives=("clean",)),
    scheduler=Scheduler(algorithm="{algorithm}", grace=1, reduction=2),
    seeds=1,
)
"""


@pytest.mark.parametrize("algorithm", ["asha", pytest.param("median", marks=pytest.mark.slow)])
def test_poor_settings_are_stopped_and_the_best_is_tested(work: Path, scratch: Path, ray: Ray, algorithm: str) -> None:
    file, folder = work / f"{algorithm}.py", Folder(work / algorithm)
    file.write_text(STUDY.format(algorithm=algorithm, poor=", ".join(map(str, POOR))))
    ended = run("launch", file, "--output", folder.path, "--max-concurrent", 1, scratch=scratch, ray=ray)
    assert ended.code == 0 and ended.err == "", ended.out + ended.err
    tried = {c.trials[0].values_at(0)["lr"]: c for c in candidates.read(folder)}
    assert {lr for lr, c in tried.items() if c.state(folder) is State.STOPPED} >= set(POOR)
    for lr in POOR:
        rows = results.read([folder.trial(tried[lr].trials[0].key).mark(State.STOPPED)])
        assert 1 <= rows["epoch"].max() < 4 and set(rows["benchmark"]) == {"training"}
    (best,) = candidates.chosen(folder) or []
    assert best.state(folder) is State.VALIDATED and best.number not in {tried[lr].number for lr in POOR}
    assert finished(folder.path) == {best.trials[0].key}
    states = {key: child.data.tags["study.state"] for key, child in children(folder.path).items()}
    assert [states[tried[lr].trials[0].key] for lr in POOR] == ["stopped"] * 2
    again = run("resume", folder.path, scratch=scratch, ray=ray, watch=True)
    assert again.code == 0 and again.listeners == frozenset(), "Ray was started for nothing"
