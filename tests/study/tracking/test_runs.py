"""MLflow's side of a study, in a real store: what runs carry, several processes at once, and the way back."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from search_spaces.core.space import Search
from study.errors import UserError
from study.ledger import results
from study.ledger.candidates import Candidate, choose, chosen, read
from study.ledger.folder import Folder, write_json
from study.ledger.headline import headline
from study.ledger.state import State
from study.ledger.trial import Trial
from study.reporting import make as reporting
from study.tracking.client import connect, metric_name, search
from study.tracking.restore import restore
from study.tracking.runs import PARENT, Store
from tests.support import table, trials

NAME = "sigma_sweep"
TRIALS = [t for t in trials(NAME, seeds=2) if t.arm == "GNT" and t.params["sigma"] in (0.0, 0.5, 1.0)]


def _study(path: Path, uri: str, some: list[Trial] = TRIALS, lost: int = 2, **facts: str) -> Folder:
    """A study in which one trial failed and one has no result yet, unless fewer are lost."""
    folder = Folder(path)
    record = {
        "question": "How much?", "data": "digits", "fingerprint": "f", "reports": ["accuracy_curve"],
        "command": "study launch", "tracking_uri": uri, "commit": "abc", "versions": {"torch": "2"}, **facts,
    }  # fmt: skip
    folder.claim(NAME, facts.get("id", "aaaa11112222"), some, record)
    table(some[: len(some) - lost], folder.trials_path)
    if lost == 2:
        write_json(folder.trial(some[-1].key).mark(State.FAILED), {"reason": "out of memory"})
    return folder


def _deliver(store: Store, some: list[Trial]) -> None:
    done = [store.deliver(trial) for trial in some]
    store.close(complete=all(done))


@dataclass(frozen=True)
class Mirrored:
    """A study that was mirrored, reported, and whose directory is gone."""

    uri: str
    home: str
    tables: dict[str, bytes]
    report: dict[str, bytes]


@pytest.fixture(scope="module")
def mirrored(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Mirrored:
    work = tmp_path_factory.mktemp("work")
    uri = f"sqlite:///{shutil.copy(empty_store, work)}"
    folder = _study(work / "study", uri)
    store = Store(uri, folder)
    _deliver(store, TRIALS)
    made = reporting.make([folder], folder.report, formats=["csv", "tex", "md"])
    store.report(made.summary)
    tables, report = _contents(folder.trials_path), _contents(folder.report)
    shutil.rmtree(folder.path)
    return Mirrored(uri, store.study["home"], tables, report)


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "failure.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_study_comes_back_bit_for_bit_when_its_directory_is_gone(mirrored: Mirrored, tmp_path: Path) -> None:
    folder = restore(mirrored.uri, NAME, None, tmp_path / "back")
    assert _contents(folder.trials_path) == mirrored.tables and folder.read()["home"] == mirrored.home
    assert [folder.trial(t.key).test for t in TRIALS] == ["finished"] * 4 + ["pending", "failed"]
    made = reporting.make([folder], tmp_path / "report", formats=["csv", "tex", "md", "html"])
    again = _contents(tmp_path / "report")
    assert {name: again[name] for name in mirrored.report} == mirrored.report and len(mirrored.report) == 3
    assert made.sources[0].failed == [(f"{TRIALS[-1].label}, seed {TRIALS[-1].seed}", "out of memory")]
    assert "study ui" not in again["index.html"].decode()


def test_a_search_comes_back_with_its_candidates(mirrored: Mirrored, tmp_path: Path) -> None:
    folder = _study(tmp_path / "search", mirrored.uri, [], lost=0, id="eeee")
    Candidate(0, 0, {"sigma": 0.0}, tuple(TRIALS[:2])).write(folder)
    table(TRIALS[:2], folder.trials_path, state=State.VALIDATED)
    table(TRIALS[:1], folder.trials_path)
    choose(folder, Search())
    store = Store(mirrored.uri, folder)
    _deliver(store, TRIALS[:2])
    back = restore(mirrored.uri, NAME, "eeee", tmp_path / "back")
    store.client.delete_run(store.parent)
    assert read(back) == read(folder) and chosen(back) == chosen(folder)
    assert [back.trial(t.key).test for t in back.trials()] == ["finished", "pending"]
    assert [back.trial(t.key).selection for t in back.trials()] == ["validated"] * 2
    assert _contents(back.trials_path) == _contents(folder.trials_path)


def test_runs_carry_what_the_interface_compares(mirrored: Mirrored) -> None:
    client = connect(mirrored.uri)
    experiment = client.get_experiment_by_name(NAME)
    assert experiment is not None
    (parent,) = search(client, experiment.experiment_id, f"tags.`study.home` = '{mirrored.home}'")
    runs = search(client, experiment.experiment_id, f"tags.`{PARENT}` = '{parent.info.run_id}'")
    assert {r.data.tags["study.trial"]: r.info.status for r in runs} == {
        **{t.key: "FINISHED" for t in TRIALS[:4]}, TRIALS[-1].key: "FAILED",
    }  # fmt: skip
    by_key = {run.data.tags["study.trial"]: run.data for run in runs}
    for trial in TRIALS[:4]:
        data = by_key[trial.key]
        assert (data.tags["setting"], data.tags["study.config"]) == (trial.label, trial.config_id)
        names = ("arm", "method", "data", "seed")
        assert [data.params[name] for name in names] == [trial.arm, trial.method, trial.data, str(trial.seed)]
        assert data.params["sigma"] == str(trial.params["sigma"]) and data.params["lr"] == str(trial.recipe["lr"])
        rows = results.read([_table(mirrored, trial)]).to_dict("records")
        measured = {name: value for name, value in data.metrics.items() if name in headline(rows)}
        assert measured == headline(rows) and data.metrics["adversarial.pgd_linf"] < 1
    assert parent.info.status == "FAILED" and parent.data.metrics["best_sigma.corruption"] in (0.0, 0.5, 1.0)
    artifacts = {a.path for a in client.list_artifacts(parent.info.run_id)}
    assert artifacts == {"study.json", "trials.json", "report"}
    assert {a.path for a in client.list_artifacts(parent.info.run_id, "report")} == {
        f"report/accuracy_curve.{form}" for form in ("csv", "tex", "md")
    }


def _table(mirrored: Mirrored, trial: Trial) -> Path:
    path = Path(mirrored.uri.removeprefix("sqlite:///")).with_name(f"{trial.key}.parquet")
    path.write_bytes(mirrored.tables[f"{trial.key}/result.parquet"])
    return path


def test_one_of_several_studies_is_chosen(mirrored: Mirrored, tmp_path: Path) -> None:
    other = _study(tmp_path / "other", mirrored.uri, TRIALS[:2], lost=0, id="bbbb33334444")
    store = Store(mirrored.uri, other)
    _deliver(store, TRIALS[:2])
    chosen = {
        None: "bbbb33334444", "bbbb": "bbbb33334444", "aaaa1111": "aaaa11112222", store.parent[:12]: "bbbb33334444",
    }  # fmt: skip
    for number, (start, identity) in enumerate(chosen.items()):
        assert restore(mirrored.uri, NAME, start, tmp_path / f"back{number}").read()["id"] == identity
    there = rf"no study 'cc' .*{NAME}.* There: bbbb33334444 \(run {store.parent}, launched .*FINISHED\); aaaa11112222 "
    with pytest.raises(UserError, match=there):
        restore(mirrored.uri, NAME, "cc", tmp_path / "none")
    store.client.delete_run(store.parent)


def test_a_wrong_store_or_experiment_is_one_line(mirrored: Mirrored, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no store .*absent.db"):
        restore(f"sqlite:///{tmp_path}/absent.db", NAME, None, tmp_path / "back")
    with pytest.raises(UserError, match="no experiment 'sigma_swep' .*Did you mean 'sigma_sweep'"):
        restore(mirrored.uri, "sigma_swep", None, tmp_path / "back")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_the_store_lost_is_one_line(mirrored: Mirrored, tmp_path: Path) -> None:
    other = _study(tmp_path / "other", mirrored.uri, TRIALS[:1], lost=0, id="dddd")
    store = Store(mirrored.uri, other)
    _deliver(store, TRIALS[:1])
    (artifact,) = Path(mirrored.uri.removeprefix("sqlite:///")).parent.rglob(f"{store.parent}/artifacts/study.json")
    artifact.unlink()
    with pytest.raises(UserError, match="--from-mlflow: sqlite:.*study.json"):
        restore(mirrored.uri, NAME, "dddd", tmp_path / "back")
    store.client.delete_run(store.parent)


DELIVER = """
import sys
from pathlib import Path
from study.ledger.folder import Folder
from study.tracking.runs import Store

uri, path = sys.argv[1:]
folder = Folder(Path(path))
store = Store(uri, folder)
for trial in folder.trials():
    store.start(trial)
    store.log(trial, [{"epoch": 1, "time": 1.0, "train_loss": 2.0, "val_accuracy": 0.5}])
store.close(complete=all([store.deliver(trial) for trial in folder.trials()]))
"""


def test_processes_that_log_to_one_store_at_once_keep_one_run_a_trial(empty_store: Path, tmp_path: Path) -> None:
    """Two directories that share a trial, and an experiment that neither of them finds."""
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    parts = {"a": TRIALS[:2], "b": TRIALS[1:3]}
    folders = [_study(tmp_path / name, uri, some, lost=0) for name, some in parts.items()]
    commands = [[sys.executable, "-c", DELIVER, uri, str(folder.path)] for folder in folders]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    assert [(p.communicate(timeout=240)[1], p.returncode) for p in processes] == [("", 0)] * 2
    client = connect(uri)
    (experiment,) = (e for e in client.search_experiments() if e.name == NAME)
    everything = search(client, experiment.experiment_id, "")
    assert len(everything) == 2 + sum(map(len, parts.values()))
    for folder in folders:
        (parent,) = [r for r in everything if r.data.tags.get("study.home") == folder.read()["home"]]
        runs = [r for r in everything if r.data.tags.get(PARENT) == parent.info.run_id]
        assert sorted(r.data.tags["study.trial"] for r in runs) == sorted(t.key for t in folder.trials())
        assert {r.info.status for r in (parent, *runs)} == {"FINISHED"}
        for run in runs:
            assert len(client.get_metric_history(run.info.run_id, "val_accuracy")) == 2


def test_a_deleted_experiment_is_restored(empty_store: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    folder = _study(tmp_path / "study", uri, TRIALS[:1], lost=0)
    store = Store(uri, folder)
    store.client.delete_experiment(store.experiment)
    again = Store(uri, folder)
    assert again.experiment == store.experiment and again.deliver(TRIALS[0])
    assert [
        run.info.status for run in search(again.client, again.experiment, f"tags.`{PARENT}` = '{again.parent}'")
    ] == ["FINISHED"]


def test_a_run_names_its_dataset_and_its_model_with_metrics(empty_store: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    trial = TRIALS[0]
    folder = _study(tmp_path / "study", uri, [trial], lost=0)
    folder.trial(trial.key).checkpoint.write_bytes(b"weights")
    store = Store(uri, folder)
    store.deliver(trial)
    run = store.client.get_run(store.children[trial.key].id)
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("digits", trial.fingerprint)
    identity = store.children[trial.key].model
    assert identity is not None
    model = store.client.get_logged_model(identity)
    values = {metric.key: metric.value for metric in model.metrics}
    assert values["corruption"] == run.data.metrics["corruption"] and "corruption/fog" in values
    assert model.source_run_id == run.info.run_id and str(model.status) == "READY"
    assert [path.name for path in tmp_path.rglob("checkpoint.pt") if path != folder.trial(trial.key).checkpoint]


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("corruption/fog", "corruption/fog"),
        ("blur+noise (5%)", "blur_noise _5__"),
        ("../up", "___up"),
        ("/a", "_a"),
        (".", "_"),
    ],
)
def test_a_metrics_name_is_one_that_mlflow_takes(name: str, taken: str, empty_store: Path, tmp_path: Path) -> None:
    assert metric_name(name) == taken
    client = connect(f"sqlite:///{shutil.copy(empty_store, tmp_path)}")
    run = client.create_run(client.create_experiment("e")).info.run_id
    client.log_metric(run, metric_name(name), 1.0)
