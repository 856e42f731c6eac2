"""A node of a cluster is lost: its trial goes on elsewhere, and the study ends the same."""

from pathlib import Path

import torch

from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.state import State
from tests.end_to_end.launches import Command, children, cluster, faulty, table, undisturbed, waiting


def test_a_lost_node_s_trial_goes_on_elsewhere(work: Path, scratch: Path) -> None:
    file, gates = faulty(work, "node", seeds=2)
    directory, sockets = work / "node", work / "n"
    sockets.mkdir()
    with cluster(1, 1, scratch=scratch, sockets=sockets) as two:
        assert two.nodes is not None
        command = Command("launch", file, "--output", directory, scratch=scratch, ray=two)
        command.until(lambda: len(waiting(gates, "go")) == 2, "a trial on each node, in its second epoch")
        two.nodes.say("lose one")
        command.until(lambda: "retried: " in command.out.read_text(), "the lost trial")
        held = {p.parent.name: torch.load(p, weights_only=True) for p in directory.glob("trials/*/checkpoint.pt")}
        (gates / "go").touch()
        ended = command.end()
    assert ended.code == 0 and "2 of 2 trials finished" in ended.out and ended.left == ()
    assert ended.out.count("retried: ") == 1 and "or its node lost" in ended.out
    for key, state in held.items():
        rows = results.read([Folder(directory).trial(key).mark(State.FINISHED)])
        stamps = rows[rows["metric"] == "time"].sort_values("epoch")["value"].tolist()
        assert stamps[0] == state["history"][0]["time"], "the first epoch was trained again"
    assert table(directory).equals(undisturbed(file))
    assert [run.info.status for run in children(directory).values()] == ["FINISHED"] * 2
