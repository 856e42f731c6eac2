"""Starts the command line as a user does, in processes of its own, and looks at what it leaves behind."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import psutil
from mlflow import MlflowClient

from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.state import State
from study.plan import planning
from study.plan.options import Options
from study.work.trial_run import Place, TrialRun

ROOT = Path(__file__).parents[2]
MARK = "NOISE_STUDY_TEST"
LIMIT = 600.0
"""Seconds after which a process under test counts as hung."""
STUDY = ("-c", "from study.cli import main; main()")
"""The command line, as Python's arguments."""
FAULTS = Path(__file__).with_name("faulty")
"""A user's own code that fails on demand."""
FAULTY = """
from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="Does it go on?",
    arms=(Arm(method="faulty.py", label="Trial", space={space}),),
    recipe={{"epochs": 3}},
    evaluate={evaluate},
    reports={reports},
    seeds={seeds},
)
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    listeners: frozenset[str]
    """Addresses on which it or a process of its own was seen to listen."""
    left: tuple[str, ...]
    """Processes of its own that were still there when it had ended."""
    scratch: tuple[str, ...]
    """What it left in the directory for temporary files."""


@dataclass(frozen=True)
class Ray:
    """What runs the trials of a command. The default is none: the command starts a Ray of its own, and ends it.

    environment: what a command needs to use a cluster. nodes: the program that runs the cluster.
    """

    address: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    nodes: "Command | None" = None

    def at_work(self) -> list[psutil.Process]:
        """Returns the cluster's workers that have something to do."""
        workers = self.nodes.own() if self.nodes else []
        return [worker for worker in workers if _name(worker).startswith("ray::") and "IDLE" not in _name(worker)]


OWN = Ray()


class Command:
    """A running `study ...` (or another program) in a process group of its own, as a terminal's job is.

    ray: where a launch, and what goes on from it, has its trials run.
    """

    def __init__(
        self,
        *arguments: object,
        scratch: Path,
        ray: Ray = OWN,
        program: Sequence[str] = STUDY,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.ray = ray
        self.scratch = scratch / self.mark[:4]
        self.scratch.mkdir()
        if arguments[0] == "launch":
            if "--checkpoint-every" not in arguments:
                arguments = (*arguments, "--checkpoint-every", 0)  # epochs of a moment, each of which counts
            if ray.address is not None:
                arguments = (*arguments, "--address", ray.address)
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.scratch), MARK: self.mark}
        variables |= {"OMP_NUM_THREADS": "1", "COLUMNS": "200", **ray.environment, **(environment or {})}
        variables |= {"TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor")}  # torch's own, kept on purpose
        self.out, self.err = scratch / f"{self.mark}.out", scratch / f"{self.mark}.err"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, *program, *map(str, arguments)],
                env=variables, stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True, text=True,
            )  # fmt: skip
        self.listeners: set[str] = set()

    def own(self) -> list[psutil.Process]:
        """Returns its living processes, orphans included: all that inherited the mark in its environment, and what its
        cluster's workers are at.
        """
        found = self.ray.at_work()
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits while it runs until the condition holds."""
        end = time.monotonic() + LIMIT
        while not condition():
            assert self.process.poll() is None, f"ended before: {what}\n{self.out.read_text()}{self.err.read_text()}"
            assert time.monotonic() < end, f"never: {what}"
            time.sleep(0.02)

    def look(self) -> None:
        """Notes on which addresses it listens now."""
        for process in self.own():
            try:
                connections = process.net_connections()
            except psutil.NoSuchProcess:
                continue
            listening = (c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN)
            self.listeners |= {address.removeprefix("::ffff:") for address in listening}

    def say(self, line: str) -> None:
        """Types a line."""
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)

    def hang_up(self) -> None:
        """Ends what it reads."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def interrupt(self) -> None:
        """Sends what Ctrl-C in a terminal sends: SIGINT to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def terminate(self) -> None:
        """Sends what schedulers of clusters send to a job whose time is over: SIGTERM to it alone."""
        self.process.terminate()

    def end(self, grace: float = 5.0, *, watch: bool = False) -> Ended:
        """Waits for its end, and up to `grace` seconds for that of its processes; ends what is left of them."""
        until = time.monotonic() + LIMIT
        while watch and self.process.poll() is None and time.monotonic() < until:
            self.look()
            time.sleep(0.2)
        try:
            code = self.process.wait(LIMIT)
        finally:
            until = time.monotonic() + grace
            while (left := self.own()) and time.monotonic() < until:
                time.sleep(0.1)
            names = tuple(_name(process) for process in left)
            for process in left:
                process.kill()
        files = tuple(sorted(p.name for p in self.scratch.iterdir()))
        out, err = self.out.read_text(), self.err.read_text()
        return Ended(code, out, err, frozenset(self.listeners), names, files)


def run(*arguments: object, scratch: Path, watch: bool = False, ray: Ray = OWN) -> Ended:
    """Runs `study ...` to its end."""
    return Command(*arguments, scratch=scratch, ray=ray).end(watch=watch)


@contextmanager
def cluster(*cpus: int, scratch: Path, sockets: Path) -> Iterator[Ray]:
    """A Ray cluster on the loopback interface, of a node for each number of CPUs, while entered.

    sockets: an empty folder with a short path. Fails where the cluster has listened elsewhere or left a process.
    """
    environment = {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # keeps the nodes on the loopback interface
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    program = (str(Path(__file__).with_name("nodes.py")),)
    nodes = Command(*cpus, scratch=scratch, program=program, environment={**environment, "RAY_TMPDIR": str(sockets)})
    try:
        nodes.until(lambda: nodes.out.read_text().endswith("\n"), "an address")
        yield Ray(nodes.out.read_text().strip(), environment, nodes)
        nodes.look()
    finally:
        nodes.hang_up()
        ended = nodes.end(grace=30)
        shutil.rmtree(sockets)
    assert ended.left == () and ended.listeners, ended
    assert all(address.startswith("127.") for address in ended.listeners), ended.listeners


def faulty(
    work: Path,
    name: str,
    space: str = "{}",
    *,
    evaluate: Sequence[str] = ("clean",),
    reports: Sequence[str] = (),
    seeds: int = 1,
) -> tuple[Path, Path]:
    """Writes a study of trials that wait at gates or fail, beside the code of `faulty`; returns its file and an empty
    folder of gates.
    """
    folder = work / f"{name}.study"
    shutil.copytree(FAULTS, folder)
    gates = folder / "gates"
    gates.mkdir()
    code = folder / "gates.py"
    code.write_text(code.read_text().replace('Path("gates")', f"Path({str(gates)!r})"))
    measured: dict[str, object] = {metric: {} for metric in evaluate}
    text = FAULTY.format(space=space, evaluate=measured, reports=tuple(reports), seeds=seeds)
    (folder / f"{name}.py").write_text(text)
    return folder / f"{name}.py", gates


def waiting(gates: Path, name: str) -> set[int]:
    """Returns the processes that have come to a gate, the dead ones among them."""
    return {int(path.suffix[1:]) for path in gates.glob(f"{name}.*")}


def table(directory: Path) -> pd.DataFrame:
    """Returns a study's rows without the times of its epochs, in an order of their own."""
    rows = results.read(sorted(directory.glob("trials/*/result.parquet")))
    rows = rows[rows["metric"] != "time"].drop(columns="study")
    return rows.sort_values(list(rows.columns), ignore_index=True)


def undisturbed(file: Path) -> pd.DataFrame:
    """Returns the `table` of a study whose trials are trained here, one after the other, by nobody but this process."""
    plan = planning.plan(str(file), Options())
    with TemporaryDirectory() as directory:
        for trial in plan.trials:
            place = Folder(Path(directory)).trial(trial.key)
            run = TrialRun(trial, plan.data, Place(), place.path)
            while not run.fit.done:
                run.epoch()
            results.write(place.mark(State.FINISHED), plan.name, trial, *run.table())
        return table(Path(directory))


def times(directory: Path) -> dict[str, int]:
    """Returns key -> time of change of a study's finished trials' tables."""
    return {
        path.parent.name: path.stat().st_mtime_ns for path in Folder(directory).trials_path.glob("*/result.parquet")
    }


def finished(directory: Path) -> set[str]:
    """Returns the keys of a study's finished trials."""
    return set(times(directory))


def store(directory: Path) -> MlflowClient:
    """Returns a client of the default MLflow store of a study."""
    return MlflowClient(f"sqlite:///{directory.parent / 'mlflow.db'}")


def parents(directory: Path, beside: Path | None = None) -> list[Any]:
    """Returns the parent runs of the study in this directory, from the store there or in the folder `beside`."""
    study, client = Folder(directory).read(), store(beside / "study" if beside else directory)
    experiment = client.get_experiment_by_name(study["name"])
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], f"tags.`study.home` = '{study['home']}'"))


def children(directory: Path) -> dict[str, Any]:
    """Returns trial key -> MLflow run; fails when the study has two parents, or a trial two runs."""
    (parent,) = parents(directory)
    where = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    found = store(directory).search_runs([parent.info.experiment_id], where)
    assert len({run.data.tags["study.trial"] for run in found}) == len(found)
    return {run.data.tags["study.trial"]: run for run in found}


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:200]
    except psutil.NoSuchProcess:
        return "gone"
