"""MLflow out of reach, and MLflow's own interface."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.plan.options import Options
from study.plan.planning import claim, plan
from study.tracking.mirror import Mirror
from tests.end_to_end.launches import Command, Ray, children, parents, run
from tests.support import free_port


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.slow
def test_a_server_that_never_answers_costs_no_result(work: Path, scratch: Path, ray: Ray, silent: str) -> None:
    arguments = ("launch", work / "tiny.py", "--trials", 1, "--output", work / "mute")
    ended = run(*arguments, "--tracking-uri", silent, scratch=scratch, ray=ray)
    assert ended.code == 0 and "1 of 1 trials finished" in ended.out
    assert "MLflow is behind" in ended.out and "no answer" in ended.out
    assert "Traceback" not in ended.out + ended.err
    later = run(*arguments, scratch=scratch, ray=ray)
    assert later.code == 0 and "MLflow is behind" not in later.out
    assert [child.info.status for child in children(work / "mute").values()] == ["FINISHED"]


@pytest.mark.slow
def test_a_server_that_is_not_there_costs_no_result(work: Path, scratch: Path, ray: Ray) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    arguments = ("launch", work / "tiny.py", "--trials", 1, "--output", work / "gone")
    ended = run(*arguments, "--tracking-uri", nobody, scratch=scratch, ray=ray)
    assert ended.code == 0 and "MLflow is behind" in ended.out and ended.err == ""


@pytest.fixture(scope="module")
def mirrored(work: Path) -> Folder:
    """A study of one trial that has told MLflow of an epoch and then ended, without a word that the trial was begun."""
    launched = plan(str(work / "tiny.py"), Options(output=work / "mirrored", trials=1))
    claim(launched)
    mirror = Mirror(launched.tracking_uri, launched.folder)
    point = {"epoch": 1, "time": 1.0, "train_loss": 2.0}
    mirror(Event(kind=Kind.EPOCH, trial=launched.trials[0], point=point))
    mirror.close({})
    assert mirror.error is None
    return launched.folder


def test_what_the_store_missed_is_made_up_for(mirrored: Folder) -> None:
    """A store that comes back between a trial's start and its first epoch has never heard of the trial."""
    (child,), (parent,) = children(mirrored.path).values(), parents(mirrored.path)
    assert child.data.metrics["train_loss"] == 2.0 and parent.info.status == "FAILED"


def test_many_launches_make_one_store(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from study.tracking.client import _prepare; _prepare(Path(sys.argv[1]))"
    )
    path = tmp_path / "mlflow.db"
    makers = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(2)]
    assert [maker.wait() for maker in makers] == [0, 0]
    assert {p.name for p in tmp_path.iterdir()} <= {"mlflow.db", "mlflow.db-wal", "mlflow.db-shm"}


def test_ui_answers_where_its_link_says_and_ends_with_ctrl_c(scratch: Path, mirrored: Folder) -> None:
    command = Command("ui", mirrored.path, scratch=scratch)
    command.until(lambda: "Ctrl-C ends it" in command.out.read_text(), "the link")
    link = re.search(r"Compare: (http://127\.0\.0\.1:\d+/)(#/experiments/\S+)", command.out.read_text())
    assert link is not None and f"viewStateShareKey=study-{mirrored.read()['home']}" in link[2]
    with urlopen(link[1], timeout=30) as answer:
        assert answer.status == 200
    command.look()
    command.interrupt()
    ended = command.end()
    assert ended.code == 0 and ended.err == "" and "Traceback" not in ended.out
    assert ended.left == () and ended.listeners == {"127.0.0.1"}
