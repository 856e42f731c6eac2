"""One trial, without Ray: interrupted at any epoch it ends as one left alone, bit for bit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from study import results
from study.run import Place, TrialRun
from study.trial import Trial
from tests.support import digits, same, trials
from trainers.core.loop import DivergedError

EPOCHS = 3
BASE = replace(
    next(t for t in trials("sigma_sweep", seeds=1) if t.params["sigma"] == 0.5),
    evaluate={"clean": {"batch": 1024}, "calibration": {"bin_size": 100, "bins": 15, "batch": 512}},
)

DATA = digits()


def _trial(**recipe: Any) -> Trial:
    return replace(BASE, recipe={**BASE.recipe, "epochs": EPOCHS, **recipe})


def _numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["metric"] != "time"]


def _finish(run: TrialRun) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    while not run.fit.done:
        run.epoch()
    return run.table()


@pytest.mark.parametrize(
    "recipe",
    [{}, {"optimizer": "sgd", "schedule": "cosine", "lr": 0.05}, {"precision": "bf16"}],
    ids=["adam", "sgd", "bf16"],
)
def test_interrupted_after_every_epoch_it_ends_as_one_left_alone(recipe: dict[str, Any], tmp_path: Path) -> None:
    trial = _trial(**recipe)
    whole = TrialRun(trial, DATA, Place(), tmp_path / "whole")
    rows, _ = _finish(whole)
    for _ in range(EPOCHS):
        TrialRun(
            trial, DATA, Place(), tmp_path / "often"
        ).epoch()  # a process each: nothing but the folder is left of it
    resumed = TrialRun(trial, DATA, Place(), tmp_path / "often")
    assert resumed.fit.done and len(resumed.history) == EPOCHS
    assert same(_numbers(resumed.table()[0]), _numbers(rows))
    states = [torch.load(run.checkpoint, weights_only=True)["fit"] for run in (resumed, whole)]
    assert same(*states) and same(resumed.model.state_dict(), whole.model.state_dict())


def test_the_same_seed_is_the_same_trial_and_another_is_another(tmp_path: Path) -> None:
    one, two, other = (
        TrialRun(replace(_trial(), seed=seed), DATA, Place(), tmp_path / str(i)) for i, seed in enumerate((0, 0, 1))
    )
    assert same(one.model.state_dict(), two.model.state_dict())
    assert not same(one.model.state_dict(), other.model.state_dict())
    points = [{k: v for k, v in run.epoch().items() if k != "time"} for run in (one, two, other)]
    assert same(points[0], points[1]) and not same(points[0], points[2])


def test_methods_are_compared_from_the_same_start(tmp_path: Path) -> None:
    vanilla = replace(_trial(), method="standard", params={})
    runs = [TrialRun(trial, DATA, Place(), tmp_path / trial.method) for trial in (_trial(), vanilla)]
    assert same(runs[0].model.state_dict(), runs[1].model.state_dict())
    assert same(runs[0].fit.order.get_state(), runs[1].fit.order.get_state())


def test_the_checkpoint_is_plain_and_replaced_in_one_step(tmp_path: Path) -> None:
    run = TrialRun(_trial(), DATA, Place(), tmp_path / "t")
    point = run.epoch()
    state = torch.load(run.checkpoint, weights_only=True)
    assert state["trial"] == run.trial.key and state["history"] == [point] and state["seconds"] > 0
    assert point["epoch"] == 1 and 0 <= point["val_accuracy"] <= 1 and point["train_loss"] > 0
    (tmp_path / "t/checkpoint.4711.tmp").write_bytes(b"half a checkpoint")
    again = TrialRun(_trial(), DATA, Place(), tmp_path / "t")
    assert again.fit.epoch == 1 and again.history == [point] and again.seconds == run.seconds


def test_rows_are_the_history_and_the_metrics(tmp_path: Path) -> None:
    run = TrialRun(
        replace(_trial(), evaluate={"clean": {"batch": 64}, "corruption": BASE_CORRUPTION}), DATA, Place(), tmp_path
    )
    rows, facts = _finish(run)
    results.write(tmp_path / "a.parquet", "s", run.trial, rows, facts)
    frame = results.read([tmp_path / "a.parquet"])
    training = frame[frame["benchmark"] == results.TRAINING]
    assert set(training["metric"]) == {"time", "train_loss", "val_accuracy"}
    assert training[training["metric"] == "val_accuracy"]["value"].tolist() == [p["val_accuracy"] for p in run.history]
    measured = frame[frame["benchmark"] != results.TRAINING]
    assert (measured["epoch"] == EPOCHS).all() and measured["value"].between(0, 1).all()
    clean = measured[measured["corruption"] == "clean"]
    assert len(clean) == 1 and clean["family"].isna().all()
    corrupted = measured[measured["corruption"] != "clean"]
    assert corrupted["family"].notna().all() and "noise" in set(corrupted["family"])
    assert facts["seconds"] > 0 and torch.__version__.startswith(facts["versions"]["torch"])


BASE_CORRUPTION = {"benchmark": None, "seed": 0, "severities": [2], "batch": 2048}


def test_no_epochs_are_an_untrained_network(tmp_path: Path) -> None:
    run = TrialRun(_trial(epochs=0), DATA, Place(), tmp_path)
    rows, _ = _finish(run)
    assert {row["epoch"] for row in rows} == {0} and next(r["value"] for r in rows if r["metric"] == "accuracy") < 0.4


def test_a_diverged_epoch_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    run = TrialRun(_trial(optimizer="sgd", lr=1e15), DATA, Place(), tmp_path)
    with pytest.raises(DivergedError):
        for _ in range(EPOCHS):
            run.epoch()
    assert not run.checkpoint.exists() or torch.load(run.checkpoint, weights_only=True)["fit"]["epoch"] < run.fit.epoch


def test_selection_sees_validation_and_not_test(tmp_path: Path) -> None:
    run = TrialRun(_trial(), DATA, Place(), tmp_path)
    asked: list[str] = []

    class Spy:
        def __init__(self, name: str) -> None:
            self.name = name

        def __len__(self) -> int:
            return len(getattr(digits(), self.name))

        def batches(self, *arguments: Any) -> Any:
            asked.append(self.name)
            return getattr(digits(), self.name).batches(*arguments)

    run.data = replace(run.data, validation=Spy("validation"), test=Spy("test"))
    run.epoch()
    assert asked == ["validation"]
    run.evaluate()
    assert set(asked) == {"validation", "test"} and asked[1:] == ["test"] * (len(asked) - 1)
