"""Trials that fail by themselves, and trials whose worker or driver is killed: the study goes on, and ends the same."""

import os
import signal
from pathlib import Path

import pytest
import torch

from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.state import State
from tests.end_to_end.launches import Command, Ray, children, faulty, parents, run, table, times, undisturbed, waiting


def test_killed_workers_are_replaced_and_a_killed_driver_is_made_up_for(work: Path, scratch: Path) -> None:
    file, gates = faulty(work, "kill", seeds=2)
    directory = work / "kill"
    folder = Folder(directory)
    command = Command("launch", file, "--output", directory, "--retries", 1, scratch=scratch)
    command.until(lambda: len(waiting(gates, "go")) == 2, "both trials in the middle of their second epoch")
    first = waiting(gates, "go")
    held = {p.parent.name: p.read_bytes() for p in directory.glob("trials/*/checkpoint.pt")}
    assert len(held) == 2
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    command.until(lambda: len(waiting(gates, "go")) == 4, "both trials there again, in new workers")
    os.kill(min(waiting(gates, "go") - first), signal.SIGKILL)
    command.until(lambda: list(directory.glob("trials/*/failure.json")), "the trial that has lost two workers")
    (failed,) = (path.parent.name for path in directory.glob("trials/*/failure.json"))
    assert folder.trial(failed).failure_reason() == "the worker died (killed, out of memory, or its node lost) 2 times"
    command.process.kill()
    ended = command.end(grace=30)
    assert ended.code == -signal.SIGKILL and ended.left == () and ended.out.count("retried: ") == 2
    assert times(directory) == {}
    assert {p.parent.name: p.read_bytes() for p in directory.glob("trials/*/checkpoint.pt")} == held
    history = {
        p.parent.name: torch.load(p, weights_only=True)["history"] for p in directory.glob("trials/*/checkpoint.pt")
    }

    (gates / "go").touch()
    resumed = run("resume", directory, scratch=scratch)
    assert resumed.code == 0 and "2 of 2 trials finished" in resumed.out and resumed.err == ""
    for key, points in history.items():
        rows = results.read([folder.trial(key).mark(State.FINISHED)])
        stamps = rows[rows["metric"] == "time"].sort_values("epoch")["value"].tolist()
        assert len(points) == 1 and stamps[0] == points[0]["time"], "the first epoch was trained again"
    assert table(directory).equals(undisturbed(file))
    assert [run.info.status for run in children(directory).values()] == ["FINISHED"] * 2
    assert [run.info.status for run in parents(directory)] == ["FINISHED"]
    tables = ("correct.parquet", "result.parquet", "validation.parquet")
    files = sorted(("best.pt", "checkpoint.pt", "started.json", "trial.json", *tables))
    assert sorted(p.name for p in directory.glob("trials/*/*")) == [name for name in files for _ in range(2)]
    kept = [torch.load(path, weights_only=True) for path in directory.glob("trials/*/checkpoint.pt")]
    assert all(set(state["fit"]) == {"epoch", "model", "method"} for state in kept)


@pytest.mark.slow
def test_no_retries_are_none(work: Path, scratch: Path, ray: Ray) -> None:
    file, gates = faulty(work, "once")
    directory = work / "once"
    command = Command("launch", file, "--output", directory, "--retries", 0, scratch=scratch, ray=ray)
    command.until(lambda: waiting(gates, "go"), "a trial at its gate")
    os.kill(*waiting(gates, "go"), signal.SIGKILL)
    ended = command.end()
    assert ended.code == 1 and "failed: Trial, seed 0: the worker died (killed" in ended.out
