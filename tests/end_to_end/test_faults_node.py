"""A node of a cluster is lost: its trial goes on elsewhere, and the study ends the same."""

import secrets
from pathlib import Path

import pytest
import torch

from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.state import State
from tests.end_to_end.launches import Command, alone, children, faulty, run, table, waiting


def test_a_lost_node_s_trial_goes_on_elsewhere(work: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, gates = faulty(work, "node", seeds=2)
    directory = work / "node"
    tmp = work / "n"
    tmp.mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(tmp))
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # keeps the nodes on the loopback interface
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        nodes = Command(scratch=scratch, faults=gates, program=(str(Path(__file__).with_name("nodes.py")),))
        try:
            nodes.until(nodes.out.read_text, "an address")
            address = nodes.out.read_text().strip()
            launch = ("launch", file, "--output", directory, "--address", address)
            command = Command(*launch, scratch=scratch, faults=gates)
            command.until(lambda: len(waiting(gates, "go")) == 2, "a trial on each node, in its second epoch")
            nodes.say("lose one")
            command.until(lambda: "retried: " in command.out.read_text(), "the lost trial")
            held = {p.parent.name: torch.load(p, weights_only=True) for p in directory.glob("trials/*/checkpoint.pt")}
            (gates / "go").touch()
            ended = command.end()
            nodes.look()
        finally:
            nodes.say("end")
            assert nodes.end(grace=30).left == ()
    assert nodes.listeners and all(address.startswith("127.") for address in nodes.listeners), nodes.listeners
    assert ended.code == 0 and "2 of 2 trials finished" in ended.out and ended.left == ()
    assert ended.out.count("retried: ") == 1 and "or its node lost" in ended.out
    for key, state in held.items():
        rows = results.read([Folder(directory).trial(key).mark(State.FINISHED)])
        stamps = rows[rows["metric"] == "time"].sort_values("epoch")["value"].tolist()
        assert stamps[0] == state["history"][0]["time"], "the first epoch was trained again"
    assert table(directory).equals(table(alone(file, gates, scratch)))
    assert [run.info.status for run in children(directory).values()] == ["FINISHED"] * 2
    again = run("resume", directory, scratch=scratch, faults=gates, watch=True)
    assert again.code == 0 and again.listeners == frozenset(), "Ray was started for nothing"
