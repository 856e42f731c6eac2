"""A study from launch to report, and what launching again does."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from study.ledger.folder import Folder
from tests.end_to_end.conftest import TINY
from tests.end_to_end.launches import Ended, Ray, children, parents, run, table, times

ALONE = ("--max-concurrent", 1)
"""One worker instead of two: most of a short trial's time is its worker's start."""
CHATTER = ("INFO", "WARNING", "ERROR", "raylet", "Traceback", "ray.init", "mlflow.", "alembic", "Tune", "UserWarning")

DIVERGING = TINY.replace(
    "),)", '), Arm(method="gnt", label="Hot", space={"lr": 1e30, "epochs": 2, "optimizer": "sgd"}))', 1
).replace("seeds=2", "seeds=1")


@pytest.fixture(scope="module")
def tiny(work: Path, scratch: Path) -> tuple[Path, Ended]:
    """A study of four trials, launched and left alone: its directory, and how the launch ended."""
    return work / "tiny", run("launch", work / "tiny.py", "--output", work / "tiny", scratch=scratch, watch=True)


@pytest.fixture(scope="module")
def diverged(work: Path, scratch: Path, ray: Ray) -> tuple[Path, Ended]:
    """A study of which one trial diverges."""
    (work / "diverging.py").write_text(DIVERGING)
    return work / "bad", run(
        "launch", work / "diverging.py", "--output", work / "bad", *ALONE, scratch=scratch, ray=ray
    )


def test_launch_ends_well_and_leaves_nothing_behind(tiny: tuple[Path, Ended]) -> None:
    directory, ended = tiny
    assert ended.code == 0, ended.out + ended.err
    assert ended.err == ""
    assert not [word for word in CHATTER if word in ended.out]
    assert "4 of 4 trials finished" in ended.out and f"study ui {directory}" in ended.out
    assert ended.left == () and ended.scratch == ()
    assert ended.listeners and ended.listeners <= {"127.0.0.1", "::1"}


def test_directory_holds_tables_and_report(tiny: tuple[Path, Ended]) -> None:
    folder = Folder(tiny[0])
    assert [folder.trial(trial.key).test for trial in folder.trials()] == ["finished"] * 4
    made = {path.name for path in folder.report.iterdir()}
    assert made >= {"index.html", *(f"accuracy_curve.{f}" for f in ("png", "svg", "md", "tex", "csv"))}
    assert made >= {f"corruption_table.{f}" for f in ("md", "tex", "csv")}
    assert "Not complete" not in (folder.report / "index.html").read_text()


def test_mlflow_has_one_parent_and_a_child_for_each_trial(work: Path, tiny: tuple[Path, Ended]) -> None:
    folder, found = Folder(tiny[0]), children(tiny[0])
    trials = {trial.key: trial for trial in folder.trials()}
    assert set(found) == set(trials)
    (parent,) = parents(tiny[0])
    assert parent.info.status == "FINISHED"
    assert {"best_sigma.corruption", "best_accuracy.corruption_no_noise"} <= set(parent.data.metrics)
    client = MlflowClient(f"sqlite:///{work / 'mlflow.db'}")
    assert "report/index.html" in {a.path for a in client.list_artifacts(parent.info.run_id, "report")}
    for key, child in found.items():
        trial = trials[key]
        assert child.info.status == "FINISHED" and child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.params["sigma"] == str(trial.params["sigma"]) and child.data.params["epochs"] == "3"
        assert {"clean", "corruption", "corruption_no_noise", "seconds"} <= set(child.data.metrics)
        for name in ("train_loss", "val_accuracy"):
            assert [p.step for p in client.get_metric_history(child.info.run_id, name)] == [1, 2, 3]
        (dataset,) = child.inputs.dataset_inputs
        assert (child.data.params["seed"], dataset.dataset.digest) == (str(trial.seed), trial.fingerprint)
        assert child.data.tags["study.config"] == trial.config_id
        assert {"setting", "study.model", "mlflow.source.git.commit"} <= set(child.data.tags)
        artifacts = {a.path for a in client.list_artifacts(child.info.run_id)}
        tables = {"validation.parquet", "correct.parquet", "result.parquet"}
        assert artifacts == {"trial.json", "versions.json", "best.pt", *tables}  # the checkpoint is the model's


def test_launching_again_trains_nothing_and_more_seeds_only_what_is_new(
    work: Path, scratch: Path, ray: Ray, tiny: tuple[Path, Ended]
) -> None:
    directory, before, known = tiny[0], times(tiny[0]), children(tiny[0])
    again = run("launch", work / "tiny.py", "--output", directory, scratch=scratch, watch=True)
    assert again.code == 0 and again.listeners == frozenset(), "Ray was started for nothing"
    assert times(directory) == before
    assert {k: r.info.run_id for k, r in children(tiny[0]).items()} == {k: r.info.run_id for k, r in known.items()}

    more = run("launch", work / "tiny.py", "--output", directory, "--seeds", 3, *ALONE, scratch=scratch, ray=ray)
    assert more.code == 0 and "6 of 6 trials finished" in more.out
    after = times(directory)
    assert len(after) == 6 and before.items() <= after.items()
    assert len(children(tiny[0])) == 6
    assert len(parents(directory)) == 1


def test_a_trial_that_diverges_is_recorded_and_the_rest_go_on(work: Path, diverged: tuple[Path, Ended]) -> None:
    directory, ended = diverged
    folder = Folder(directory)
    assert ended.code == 1 and ended.err == ""
    states = {trial.label: folder.trial(trial.key).test for trial in folder.trials()}
    assert states == {"GNT, sigma 0": "finished", "GNT, sigma 0.5": "finished", "Hot": "failed"}
    (hot,) = (trial for trial in folder.trials() if trial.arm == "Hot")
    reason = folder.trial(hot.key).failure_reason()
    assert reason.startswith("DivergedError: the training loss became")
    assert f"failed: Hot, seed 0: {reason}" in ended.out and "1 failed" in ended.out
    child = children(directory)[hot.key]
    assert child.info.status == "FAILED" and child.data.tags["failure"] == reason
    page = (folder.report / "index.html").read_text()
    assert "Not complete" in page and f"Hot, seed 0: {reason}" in page


def test_status_says_why_and_launching_again_tries_again(
    work: Path, scratch: Path, ray: Ray, diverged: tuple[Path, Ended]
) -> None:
    directory = diverged[0]
    before = times(directory)
    shown = run("status", directory, scratch=scratch)
    assert shown.code == 0 and "finished      2" in shown.out and "failed        1" in shown.out
    assert "failed: Hot, seed 0: DivergedError" in shown.out
    record = next(directory.glob("trials/*/failure.json"))
    first = record.stat().st_mtime_ns
    assert run("launch", work / "diverging.py", "--output", directory, *ALONE, scratch=scratch, ray=ray).code == 1
    assert record.stat().st_mtime_ns > first and times(directory) == before


def test_a_seed_decides_every_number(tiny: tuple[Path, Ended], diverged: tuple[Path, Ended]) -> None:
    one, other = table(tiny[0]), table(diverged[0])
    common = sorted(set(one["trial"]) & set(other["trial"]))
    assert len(common) == 2
    columns = ["trial", "benchmark", "corruption", "severity", "epoch", "metric", "value"]
    first, second = (t[t["trial"].isin(common)][columns].reset_index(drop=True) for t in (one, other))
    assert len(first) > 150 and first.equals(second)
