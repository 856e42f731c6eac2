"""A search on real workers: killed and continued, and what it has read of the test split by when."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from search_spaces.core.space import Search
from study.engine.optimizer import Optimizer
from study.ledger import candidates, results
from study.ledger.folder import Folder
from study.ledger.state import State
from study.plan.space import Space
from study.registry.lookup import find_study
from tests.end_to_end.launches import ROOT, Ray, children, finished

STUDY = """
from search_spaces.core.space import Arm, Range, Search, Study

STUDY = Study(
    question="Which sigma?",
    arms=(Arm(method="gnt", label="GNT", space={"sigma": Range(0.05, 1.5, log=True)}),),
    recipe={"epochs": 2},
    reports=("corruption_table",),
    seeds=2,
    search=Search(samples=4),
)
"""
GUARDED = """
import json, sys
from dataclasses import dataclass, replace
from pathlib import Path
from study.launch import launch
from study.plan.options import Options
from study.plan.planning import plan as planned

FILE, HOME, LOG = map(Path, sys.argv[1:4])

@dataclass
class Guarded:
    split: object
    home: Path
    log: Path

    def __len__(self):
        return len(self.split)

    def to(self, device):
        return Guarded(self.split.to(device), self.home, self.log)

    def batches(self, *given):
        with self.log.open("a") as log:
            known = [(self.home / "chosen.json").exists(), len(list(self.home.glob("trials/*/validation.parquet")))]
            log.write(json.dumps(known) + chr(10))
        return self.split.batches(*given)

plan = planned(str(FILE), Options(output=HOME, max_concurrent=1, checkpoint_every=0, address=sys.argv[4]))
plan = replace(plan, data=replace(plan.data, test=Guarded(plan.data.test, HOME, LOG)))
outcome = launch(plan, lambda event: None)
sys.exit(0 if outcome.complete else 1)
"""


@dataclass(frozen=True)
class Story:
    """A search of four candidates with two seeds, killed after its third trial and launched again."""

    folder: Folder
    before: dict[str, int]
    reads: list[tuple[bool, int]]
    """At each reading of test images: whether the choice was made, and how many trials were validated."""


@pytest.fixture(scope="module")
def story(work: Path, ray: Ray) -> Story:
    (work / "searched.py").write_text(STUDY)
    (work / "guarded.py").write_text(GUARDED)
    folder, log = Folder(work / "searched"), work / "reads.log"
    arguments = [sys.executable, work / "guarded.py", work / "searched.py", folder.path, log, ray.address]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **ray.environment}
    first = subprocess.Popen(arguments, env=environment, start_new_session=True)
    while len(_times(folder)) < 3:
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = _times(folder)
    assert not log.exists()
    assert subprocess.run(arguments, env=environment, timeout=600).returncode == 0
    reads = [tuple(json.loads(line)) for line in log.read_text().splitlines()]
    return Story(folder, before, reads)


def _times(folder: Folder) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.path.glob("trials/*/validation.parquet")}


def test_test_data_is_read_once_by_the_chosen_when_the_search_is_over(story: Story) -> None:
    (best,) = candidates.chosen(story.folder) or []
    # For each seed: accuracy, corruptions, and the images on which the method shows itself; then the page's examples.
    assert story.reads == [(True, 8)] * (3 * 2 + 1)
    assert finished(story.folder.path) == {t.key for t in best.trials}
    values = {c.number: c.values(story.folder, ["corruption"])[0] for c in candidates.read(story.folder)}
    assert len(values) == 4 and best.number == max(values, key=lambda n: values[n])


def test_a_killed_search_continues_as_if_it_had_not_been(story: Story, work: Path, tmp_path: Path) -> None:
    assert len(story.before) >= 3 and story.before.items() <= _times(story.folder).items()
    study = find_study(str(work / "searched.py"))[1]
    fingerprint = story.folder.read()["fingerprint"]
    alone = Optimizer("searched", Space(study, fingerprint), Search(samples=4), Folder(tmp_path))
    while (trial := alone.next()) is not None:
        target = alone.folder.trial(trial.key).mark(State.VALIDATED)
        # There, if the search is the same.
        target.write_bytes(story.folder.trial(trial.key).mark(State.VALIDATED).read_bytes())
        alone.settle(trial, failed=False)
    found = [[t.key for t in c.trials] for c in candidates.read(story.folder)]
    assert found == [[t.key for t in c.trials] for c in alone.candidates]


def test_mlflow_has_a_run_a_trial_with_what_was_measured_where(story: Story) -> None:
    found, (best,) = children(story.folder.path), candidates.chosen(story.folder) or []
    assert len(found) == 8 and {run.info.status for run in found.values()} == {"FINISHED"}
    for key, run in found.items():
        validated = results.rows(story.folder.trial(key).mark(State.VALIDATED))
        clean = next(r["value"] for r in validated if r["benchmark"] == "clean")
        assert run.data.metrics["validation.clean"] == clean and "validation.corruption" in run.data.metrics
        tested = key in {t.key for t in best.trials}
        assert ("corruption" in run.data.metrics) is tested
        assert run.data.tags["study.state"] == ("validation result" if tested else "validation")
