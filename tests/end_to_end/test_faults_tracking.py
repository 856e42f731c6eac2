"""MLflow's server down and back, its database locked: training does not wait, and nothing is lost."""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from benchmarks.mlflow_server import answers, free_port, serve
from study.ledger.folder import Folder
from study.tracking import mirror
from tests.end_to_end.launches import Command, Ray, children, faulty, table, times, waiting

Serve = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def server(work: Path) -> Iterator[tuple[str, Serve]]:
    """A URL, and what starts MLflow's server there, over a database of its own."""
    port = free_port()
    store = work / "server"
    store.mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        started.append(serve(port, store))
        return started[-1]

    yield f"http://127.0.0.1:{port}", start
    for process in started:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()


def _runs(client: MlflowClient, directory: Path) -> dict[str, tuple[str, list[int]]]:
    """Trial -> (status, epochs logged) of the study's runs on a server; fails where a trial has two."""
    experiment = client.get_experiment_by_name(Folder(directory).read()["name"])
    if experiment is None:
        return {}
    found = [r for r in client.search_runs([experiment.experiment_id]) if "study.trial" in r.data.tags]
    assert len({run.data.tags["study.trial"] for run in found}) == len(found)
    epochs = {r: [p.step for p in client.get_metric_history(r.info.run_id, "train_loss")] for r in found}
    return {run.data.tags["study.trial"]: (run.info.status, sorted(steps)) for run, steps in epochs.items()}


def test_a_server_goes_down_and_comes_back(work: Path, scratch: Path, ray: Ray, server: tuple[str, Serve]) -> None:
    url, serve = server
    file, gates = faulty(work, "down", '{"name": Grid("first", "second")}')
    directory = work / "down"
    process = serve()
    command = Command("launch", file, "--output", directory, "--tracking-uri", url, scratch=scratch, ray=ray)
    command.until(lambda: waiting(gates, "first") and waiting(gates, "second"), "both trials at their gates")
    command.until(lambda: answers(url), "the server's answer")
    command.until(lambda: len(_runs(MlflowClient(url), directory)) == 2, "a run for each trial")
    _end(process)
    (gates / "first").touch()
    command.until(lambda: len(times(directory)) == 1, "a trial finished without a server")
    serve()
    command.until(lambda: answers(url), "the server's answer again")
    (gates / "second").touch()
    ended = command.end()
    assert ended.code == 0 and ended.err == "" and "MLflow is behind" not in ended.out, ended.out + ended.err
    assert list(_runs(MlflowClient(url), directory).values()) == [("FINISHED", [1, 2, 3])] * 2


def test_a_locked_database_holds_nobody_up(work: Path, scratch: Path, ray: Ray) -> None:
    file, gates = faulty(work, "lock")
    directory, database = work / "lock", work / "mlflow.db"
    command = Command("launch", file, "--output", directory, scratch=scratch, ray=ray)
    command.until(lambda: waiting(gates, "go") and database.exists(), "a trial at its gate")
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        (gates / "go").touch()
        command.until(lambda: times(directory), "a trial finished beside a locked database")
        other.execute("ROLLBACK")
    ended = command.end()
    assert ended.code == 0 and ended.err == "" and "MLflow is behind" not in ended.out, ended.out + ended.err
    (run,) = children(directory).values()
    steps = [p.step for p in MlflowClient(f"sqlite:///{database}").get_metric_history(run.info.run_id, "train_loss")]
    assert run.info.status == "FINISHED" and sorted(steps) == [1, 2, 3]
    assert table(directory)["trial"].nunique() == 1


def test_what_goes_wrong_in_the_mirror_is_told_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No study.json where the mirror looks, then a URI that no store can be made of: errors of two kinds."""
    monkeypatch.setattr(mirror, "AGAIN", 0.0)  # neither mends itself
    for uri in (f"sqlite:///{tmp_path / 'mlflow.db'}", "nonsense://me:s3cret@host/x"):
        listener = mirror.Mirror(uri, Folder(tmp_path / "nowhere"))
        listener.close({})
        assert listener.error is not None and "s3cret" not in listener.error and "\n" not in listener.error
        assert listener.error.startswith(
            ("UserError: ", "UnsupportedModelRegistryStoreURIException", "MlflowException")
        )
