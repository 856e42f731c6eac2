"""One trial, without Ray: interrupted at any epoch it ends as one left alone, bit for bit."""

import copy
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from study.errors import UserError
from study.ledger import results
from study.ledger.trial import Trial
from study.work.trial_run import Place, TrialRun
from tests.support import CPU, digits, same, small_cnn, trials
from trainers.core.loop import DivergedError
from trainers.core.method import generator
from trainers.gnt import GNT

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


def test_a_trained_trial_keeps_weights_alone_and_those_of_its_best_epoch(tmp_path: Path) -> None:
    run = TrialRun(_trial(), DATA, Place(), tmp_path / "t")
    after: list[Any] = []
    sizes = []
    while not run.fit.done:
        run.epoch()
        after.append(copy.deepcopy(run.model.state_dict()))
        sizes.append(run.checkpoint.stat().st_size)
    last, best = (torch.load(path, weights_only=True) for path in (run.checkpoint, run.best))
    assert set(last["fit"]) == {"epoch", "model", "method"} and same(last["fit"]["model"], after[-1])
    assert sizes[-1] < 0.5 * sizes[0], "Adam's two moments are gone"
    accuracies = [point["val_accuracy"] for point in run.history]
    assert same(best["fit"]["model"], after[accuracies.index(max(accuracies))])
    assert best["history"] == [run.history[accuracies.index(max(accuracies))]]
    assert {p.name for p in (tmp_path / "t").iterdir()} == {"checkpoint.pt", "best.pt"}


def test_the_first_of_equally_good_epochs_is_the_best(tmp_path: Path) -> None:
    run = TrialRun(_trial(optimizer="sgd", momentum=0.0, lr=1e-30), DATA, Place(), tmp_path)  # nothing is learnt
    run.epoch()
    first = run.best.read_bytes()
    run.epoch()
    assert run.best.read_bytes() == first


SELDOM = 1e9
"""Seconds from one checkpoint to the next: none but the last comes in a test's time."""


def test_stored_seldom_it_ends_with_the_files_of_one_stored_after_every_epoch(tmp_path: Path) -> None:
    seldom, often = (
        TrialRun(_trial(), DATA, Place(), tmp_path / name, every) for name, every in (("s", SELDOM), ("o", 0.0))
    )
    seldom.epoch()
    assert not seldom.checkpoint.exists() and not seldom.best.exists()
    for run in (seldom, often):
        _finish(run)
    for name in ("checkpoint", "best"):
        one, other = (torch.load(getattr(run, name), weights_only=True)["fit"] for run in (seldom, often))
        assert same(one, other)


def test_what_was_not_stored_is_trained_again_and_is_the_same(tmp_path: Path) -> None:
    whole = TrialRun(_trial(), DATA, Place(), tmp_path / "whole")
    rows, _ = _finish(whole)
    first = TrialRun(_trial(), DATA, Place(), tmp_path / "often", SELDOM)
    first.epoch()
    first.save()  # as where a launch ends in order
    first.epoch()  # and a process that dies here
    again = TrialRun(_trial(), DATA, Place(), tmp_path / "often", SELDOM)
    assert again.fit.epoch == 1
    assert same(_numbers(_finish(again)[0]), _numbers(rows))
    assert same(*(torch.load(run.best, weights_only=True)["fit"] for run in (again, whole)))


def test_half_an_epoch_is_nothing_to_store(tmp_path: Path) -> None:
    run = TrialRun(_trial(optimizer="sgd", lr=1e15), DATA, Place(), tmp_path, SELDOM)
    assert run.storable
    with pytest.raises(DivergedError):
        _finish(run)
    assert not run.storable


class _Bomb:
    """Pickled, it asks whoever loads it to make a directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_is_damaged_or_hostile_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    run = TrialRun(_trial(), DATA, Place(), tmp_path / "t")
    run.epoch()
    whole = run.checkpoint.read_bytes()
    torch.save({"fit": _Bomb(tmp_path / "hit")}, tmp_path / "bomb")
    pickled = pickle.dumps(_Bomb(tmp_path / "hit"))
    for content in (whole[: len(whole) // 2], b"", b"text", (tmp_path / "bomb").read_bytes(), pickled):
        run.checkpoint.write_bytes(content)
        with pytest.raises(UserError, match=r"checkpoint.pt is damaged, or is no checkpoint of ours"):
            TrialRun(_trial(), DATA, Place(), tmp_path / "t")
    assert not (tmp_path / "hit").exists()


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


def test_what_a_method_shows_of_itself_comes_back_from_the_table(tmp_path: Path) -> None:
    trial = next(t for t in trials("ant_vs_gnt", seeds=1) if t.arm == "ANT 1x1")
    params, recipe = {**trial.params, "restart_steps": 2}, {**trial.recipe, "epochs": 2}
    run = TrialRun(replace(trial, params=params, recipe=recipe, evaluate=BASE.evaluate), DATA, Place(), tmp_path)
    rows, facts = _finish(run)
    results.write(tmp_path / "r.parquet", "s", run.trial, rows, facts)
    frame = results.read([tmp_path / "r.parquet"])
    shown = frame[frame["benchmark"] == results.RECORD]
    clean = shown[shown["metric"] == "clean"].pivot(index="epoch", columns="severity", values="value").to_numpy()
    assert torch.equal(torch.tensor(clean).float().view(4, 1, 8, 8), next(digits().test.batches(4))[0])
    assert set(shown["metric"]) == {"clean", "noise", "noisy", "patch", "density", "density_epoch"}
    assert len(shown) == 3 * 4 * 64 + 3 + 3 * 64 + 2 and shown["corruption"].isna().all()


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


def test_a_schedule_is_what_changing_the_values_by_hand_is(tmp_path: Path) -> None:
    trial = _trial(epochs=4)
    phases = [(1, {"sigma": 0.9}, {"lr": 4e-3}), (3, {"sigma": 0.05}, {"lr": 4e-3, "weight_decay": 0.01})]
    schedule = tuple(
        {"epoch": epoch, "params": {**trial.params, **params}, "recipe": {**trial.recipe, **recipe}}
        for epoch, params, recipe in phases
    )
    trial = replace(trial, schedule=schedule, varied=("sigma", "lr"))
    run = TrialRun(trial, DATA, Place(), tmp_path / "whole")
    for _ in range(4):
        run.epoch()
        TrialRun(trial, DATA, Place(), tmp_path / "often").epoch()

    model = small_cnn(trial.seed).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=trial.recipe["lr"], fused=True)
    order, draws = generator(CPU, trial.seed, 1), generator(CPU, trial.seed, 2)
    sigma = trial.params["sigma"]
    for epoch in range(4):
        for start, params, recipe in phases:
            if epoch == start:
                sigma = params["sigma"]
                optimizer.param_groups[0].update(recipe)
        model.train()
        for x, y in DATA.train.batches(trial.recipe["batch_size"], order):
            noisy = GNT(sigma=sigma).views(x, draws)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(noisy), y).backward()
            optimizer.step()
    assert same(dict(run.model.state_dict()), dict(model.state_dict()))
    resumed = TrialRun(trial, DATA, Place(), tmp_path / "often")
    assert same(dict(resumed.model.state_dict()), dict(model.state_dict()))
    assert [(p["sigma"], p["lr"]) for p in run.history] == [(0.5, 1e-3), (0.9, 4e-3), (0.9, 4e-3), (0.05, 4e-3)]
