"""deploy/slurm.sbatch on a Slurm of the test's own: two nodes that are one machine, with a loopback interface alone."""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch

from study.ledger import progress
from study.ledger.folder import Folder
from tests.end_to_end.conftest import TINY
from tests.end_to_end.launches import LIMIT, ROOT, STUDY, faulty, finished, table, undisturbed, waiting

pytestmark = pytest.mark.slow
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "unshare", "nsenter", "ip")
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthInfo=socket={folder}/munge.socket,cred_expire=15
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdSpoolDir={folder}/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SlurmctldParameters=preempt_send_user_signal
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[16818-16819] CPUs=1
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 GraceTime=120
PartitionName=high Nodes=ALL PriorityTier=2 PreemptMode=OFF
"""
DAEMONS = """
ip link set lo up
ip address add 10.255.255.1/32 dev lo # resolving asks for an address that is no loopback one
munged --force --foreground --key-file={folder}/key --socket={folder}/munge.socket --pid-file={folder}/munged.pid \
    --log-file={folder}/munged.log --seed-file={folder}/seed &
until test -S {folder}/munge.socket; do sleep 0.1; done
slurmctld -D &
slurmd -D -N n1 &
slurmd -D -N n2 &
wait
"""


class Slurm:
    """A Slurm whose programs are in name spaces of their own: nobody reaches its ports, and none outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "state").mkdir()
        (folder / "key").write_bytes(secrets.token_bytes(1024))
        (folder / "key").chmod(0o600)
        (folder / "slurm.conf").write_text(CONFIGURATION.format(host=os.uname().nodename, folder=folder))
        for name, arguments in {"study": shlex.join(STUDY), "ray": "-m ray.scripts.scripts"}.items():
            (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
            (folder / name).chmod(0o755)
        path = f"{folder}:{os.environ['PATH']}"
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": path}
        self.environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}
        alone = ("unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child")
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*alone, "bash", "-c", DAEMONS.format(folder=folder)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self.until(lambda: "idle" in self.do("sinfo", "--noheader", "--format=%T", check=False), "nodes")

    def do(self, *command: object, check: bool = True) -> str:
        """Runs a command there and returns what it prints."""
        children = psutil.Process(self.process.pid).children()
        inside = ("nsenter", f"--target={children[0].pid}", "--net", "--pid", "--mount") if children else ("false",)
        done = subprocess.run(
            [*inside, *map(str, command)],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def submit(self, *words: object) -> int:
        """Submits a job of two nodes with a core each; returns its number."""
        shape = ("--nodes=2", "--cpus-per-task=1", f"--output={self.folder}/%j.out")
        return int(self.do("sbatch", "--parsable", *shape, *words))

    def state(self, job: int) -> str:
        """Returns a job's state, such as RUNNING."""
        return re.findall(r"JobState=(\w+)", self.do("scontrol", "show", "job", job))[0]

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits for a condition."""
        end = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < end, f"never: {what}\n{self.said()}"
            time.sleep(0.2)

    def said(self) -> str:
        """Returns what Slurm's programs and its jobs have printed."""
        return "\n".join(path.read_text()[-3000:] for path in [self.folder / "log", *self.folder.glob("*.out")])


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """A running Slurm."""
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        pytest.skip(f"needs Slurm (Debian: slurm-wlm, munge, iproute2); missing: {', '.join(missing)}")
    if subprocess.run(["unshare", "--net", "--pid", "--mount-proc", "--fork", "true"], check=False).returncode:
        pytest.skip("unshare gives no name spaces here")
    folder = Path(tempfile.mkdtemp(prefix="slurm"))
    running = Slurm(folder)
    yield running
    running.process.kill()  # and with it, all in its name space
    running.process.wait()
    shutil.rmtree(folder)


def running(directory: Path) -> list[int]:
    """Returns how many epochs each trial at work has behind it."""
    launch = progress.read(Folder(directory)) if (directory / "study.json").exists() else None
    return [int(each["epoch"]) for each in launch.running.values()] if launch else []


def test_a_study_on_two_nodes_of_an_allocation(slurm: Slurm) -> None:
    file, directory = slurm.folder / "tiny.py", slurm.folder / "tiny"
    file.write_text(TINY)
    job = slurm.submit(ROOT / "deploy/slurm.sbatch", "study", "launch", file, "--output", directory)
    slurm.until(lambda: len(running(directory)) == 2, "a trial on each node, which has one core")
    slurm.until(lambda: slurm.state(job) not in ("PENDING", "RUNNING", "COMPLETING"), "its end")
    assert slurm.state(job) == "COMPLETED", slurm.said()
    assert "4 of 4 trials finished" in slurm.said()
    assert table(directory).equals(undisturbed(file))


def test_a_preempted_study_is_stored_queued_again_and_resumed(slurm: Slurm) -> None:
    file, gates = faulty(slurm.folder, "long", '{"at": 1}')
    file.write_text(file.read_text().replace('"epochs": 3', '"epochs": 60'))
    directory = slurm.folder / "long"
    command = ("study", "launch", file, "--output", directory, "--checkpoint-every", "1h")
    job = slurm.submit("--partition=low", ROOT / "deploy/slurm.sbatch", *command)
    slurm.until(lambda: waiting(gates, "go"), "the second epoch")
    assert not list(directory.glob("trials/*/checkpoint.pt"))
    other = slurm.submit("--partition=high", "--wrap", "sleep 1")
    slurm.until(lambda: "PreemptTime=2" in slurm.do("scontrol", "show", "job", job), "that Slurm signals")
    (gates / "go").touch()
    slurm.until(lambda: slurm.state(job) == "PENDING", "that it is queued again")
    (checkpoint,) = directory.glob("trials/*/checkpoint.pt")
    history = torch.load(checkpoint, weights_only=True)["history"]
    assert 1 < len(history) < 60 and not finished(directory)
    slurm.until(lambda: slurm.state(job) not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING"), "its end")
    assert slurm.state(job) == slurm.state(other) == "COMPLETED", slurm.said()
    assert "Restarts=1" in slurm.do("scontrol", "show", "job", job)
    assert table(directory).equals(undisturbed(file))


def test_a_cancelled_study_is_not_queued_again(slurm: Slurm) -> None:
    file, gates = faulty(slurm.folder, "cancelled")
    directory = slurm.folder / "cancelled"
    job = slurm.submit(ROOT / "deploy/slurm.sbatch", "study", "launch", file, "--output", directory)
    slurm.until(lambda: waiting(gates, "go"), "the second epoch")
    slurm.do("scancel", job)
    slurm.until(lambda: not slurm.do("squeue", "--noheader"), "its end")
    assert slurm.state(job) == "CANCELLED" and not finished(directory)
