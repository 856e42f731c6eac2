"""Fine-tuning as a user does it: a study of parents, then one of children that are given its directory."""

import shutil
from pathlib import Path

import torch

from study.ledger.folder import Folder
from tests.end_to_end.launches import Ray, run, table, times

PARENTS = """
from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="Who is a good parent?",
    arms=(Arm(method="standard", label="Baseline"), Arm(method="gnt", label="GNT")),
    data_options={"labels": (0, 1, 2, 3, 4)},
    recipe={"epochs": 3},
    evaluate={"clean": {}},
    reports=("method_comparison",),
    seeds=2,
)
"""
CHILDREN = """
from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="Does it pass on?",
    arms=(
        Arm(method="standard", label="From scratch"),
        *(Arm(method="standard", label=label, parent=label) for label in ("Baseline", "GNT")),
    ),
    data_options={"labels": (5, 6, 7, 8, 9)},
    recipe={"epochs": 1, "lr": 1e-6},
    reports=("transfer_table",),
    seeds=2,
)
"""


def test_children_start_from_their_parents(work: Path, scratch: Path, ray: Ray) -> None:
    own = work / "transfer"  # other tests' studies have the same names
    own.mkdir()
    alone = ("--max-concurrent", 1)  # one worker instead of two: most of a short trial's time is its worker's start
    for name, text in {"parents": PARENTS, "children": CHILDREN}.items():
        (own / f"{name}.py").write_text(text)
    assert run("launch", own / "parents.py", "--output", own / "parents", *alone, scratch=scratch, ray=ray).code == 0
    command = ("launch", own / "children.py", "--parents", own / "parents", "--output", own / "children", *alone)
    ended = run(*command, scratch=scratch, ray=ray)
    assert ended.code == 0 and "6 of 6 trials finished" in ended.out, ended.out + ended.err
    assert "Robustness after fine-tuning" in ended.out

    parents, children = Folder(own / "parents"), Folder(own / "children")
    known = {(t.label, t.seed): parents.trial(t.key) for t in parents.trials()}
    for trial in children.trials():
        if trial.parent is None:
            continue
        states = [
            torch.load(folder.checkpoint, weights_only=True)["fit"]["model"]
            for folder in (known[trial.label, trial.seed], children.trial(trial.key))
        ]
        apart = {key: (states[0][key] - states[1][key]).abs().max().item() for key in states[0]}
        head = [key for key in apart if key.startswith("stages.3.3.")]
        # Adam moves a weight by at most about its rate a step, of which there are 7.
        assert len(head) == 2 and all(apart.pop(key) > 1e-2 for key in head) and max(apart.values()) < 2e-5
    assert table(own / "children").groupby("label")["config"].nunique().eq(1).all()

    before = times(own / "children")
    shutil.move(own / "parents", own / "elsewhere")
    again = run("resume", own / "children", "--parents", own / "elsewhere", scratch=scratch, ray=ray, watch=True)
    assert again.code == 0 and again.listeners == frozenset(), "Ray was started for nothing"
    assert times(own / "children") == before
