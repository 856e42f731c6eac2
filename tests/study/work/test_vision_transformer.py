"""Trials of a small vision transformer: methods train it, and an interrupted trial ends as one left alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from study.datasets.core.data import Data, TensorSplit
from study.evaluation.robust import vanilla
from study.ledger.trial import Trial
from study.plan.space import resolve
from study.plan.trying import steps
from study.registry.lookup import find
from study.work.trial_run import Place, TrialRun
from tests.support import FINGERPRINT, same

SMALL = {"patch_size": 8, "embed_dim": 24, "depth": 2}
MODEL = {"model": "timm_classifier", "model_params": {"name": "deit_tiny_patch16_224", "arguments": SMALL}}
METHODS = {
    "gnt": {"sigma": 0.3},
    "ant": {"restart_steps": 2},
    "learned_sigma": {},
}


def _split(count: int, seed: int) -> TensorSplit:
    """Grey squares on noise, whose brightness is the class."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    images = torch.randint(0, 40, (count, 3, 32, 32), generator=rng) + 50 * labels[:, None, None, None]
    return TensorSplit(images.to(torch.uint8), labels)


DATA = Data(_split(48, 0), _split(16, 1), _split(16, 2), 4, (3, 32, 32), FINGERPRINT)


def _trial(method: str, **recipe: Any) -> Trial:
    study = find("study", "stochastic_scale")
    trial = resolve(replace(study, recipe={"epochs": 2, "batch_size": 16, **recipe}), FINGERPRINT)[0]
    return replace(trial, method=method, params=METHODS[method], evaluate={"clean": {}}, **MODEL)


@pytest.mark.parametrize("method", METHODS)
def test_interrupted_after_every_epoch_it_ends_as_one_left_alone(method: str, tmp_path: Path) -> None:
    trial = _trial(method)
    whole = TrialRun(trial, DATA, Place(), tmp_path / "whole")
    start = {name: value.clone() for name, value in whole.model.state_dict().items()}
    losses = [whole.epoch()["train_loss"] for _ in range(2)]
    assert losses[1] < losses[0] and whole.fit.done
    unchanged = [name for name, value in whole.model.state_dict().items() if torch.equal(value, start[name])]
    assert not unchanged
    for _ in range(2):
        TrialRun(trial, DATA, Place(), tmp_path / "often").epoch()
    resumed = TrialRun(trial, DATA, Place(), tmp_path / "often")
    assert resumed.fit.done and same(resumed.model.state_dict(), whole.model.state_dict())
    assert same(resumed.fit.state_dict()["method"], whole.fit.state_dict()["method"])


def test_it_is_attacked_beside_a_vanilla_network_of_its_kind(tmp_path: Path) -> None:
    run = TrialRun(_trial("gnt"), DATA, Place(), tmp_path)
    source = vanilla(run.model, DATA, 1, 0)
    names = [name for name, value in run.model.state_dict().items() if torch.equal(value, source.state_dict()[name])]
    assert not names and not source.training


def test_every_arm_of_stochastic_scale_trains_it() -> None:
    study = replace(find("study", "stochastic_scale"), model="timm_classifier")
    trials = [replace(trial, **MODEL) for trial in resolve(study, FINGERPRINT)]
    steps(trials, DATA)
    assert {trial.method for trial in trials} == {"standard", "learned_sigma", "gnt", "adversarial"}
