"""A trial's run where its label changes: MLflow, which never changes a parameter, still takes all of it."""

import shutil
from dataclasses import replace
from pathlib import Path

from study.ledger import results
from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial
from study.tracking.client import connect, search
from study.tracking.mirror import Mirror
from study.tracking.runs import PARENT, Store
from tests.support import table, trials

FACTS = {"question": "?", "data": "digits", "command": "study launch", "commit": "abc", "versions": {}}
(MEMBER, *_) = [replace(t, arm="member 1") for t in trials("sigma_sweep", seeds=1) if t.params.get("sigma") == 0.5]
ROW = ("benchmark", "family", "corruption", "severity", "epoch", "metric", "value")
BEST = replace(MEMBER, arm="best schedule")


def _relabelled(uri: str, path: Path) -> Folder:
    """A study's trial that has its table as a member of a population, and is then the best one's."""
    folder = Folder(path)
    folder.claim("a_population", "aaaa11112222", [MEMBER], FACTS)
    table([MEMBER], folder.trials_path)
    store = Store(uri, folder)
    store.start(MEMBER)
    store.finish(MEMBER)
    folder.add([BEST])
    return folder


def _check(uri: str, trial: Trial) -> None:
    client = connect(uri)
    (experiment,) = (e.experiment_id for e in client.search_experiments() if e.name == "a_population")
    (run,) = search(client, experiment, f"tags.`{PARENT}` != ''")
    assert (run.info.status, run.data.params["arm"], run.data.params["sigma"]) == ("FINISHED", "member 1", "0.5")
    assert (run.data.tags["setting"], run.info.run_name) == (trial.label, f"{trial.label}, seed 0")
    assert run.data.tags["mlflow.note.content"].startswith(trial.label)


def test_a_member_that_comes_to_be_the_best_has_one_run_of_its_new_label(empty_store: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    folder = _relabelled(uri, tmp_path / "study")
    _check(uri, MEMBER)
    mirror = Mirror(uri, folder)
    for kind in (Kind.STARTED, Kind.FINISHED):
        mirror(Event(kind=kind, trial=BEST))
    mirror.close({})
    assert mirror.error is None
    _check(uri, BEST)


def test_a_finished_trial_of_another_label_is_told_by_the_next_launch(empty_store: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    folder = _relabelled(uri, tmp_path / "study")
    assert Store(uri, folder).deliver(BEST)
    _check(uri, BEST)


def test_a_table_that_was_made_anew_replaces_the_old_numbers(empty_store: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    folder = _relabelled(uri, tmp_path / "study")
    path = folder.trial(MEMBER.key).mark(State.FINISHED)
    for seconds, end in ((60.0, 2e9), (30.0, 2e9 + 1)):
        rows = [{k: v for k, v in row.items() if k in ROW} for row in results.rows(path)]
        results.write(path, "a_population", MEMBER, rows, {"seconds": seconds, "time": end, "versions": {}})
        Store(uri, folder).finish(MEMBER)
        client = connect(uri)
        (experiment,) = (e.experiment_id for e in client.search_experiments() if e.name == "a_population")
        (run,) = search(client, experiment, f"tags.`{PARENT}` != ''")
        assert run.data.metrics["seconds"] == seconds
