"""Every model of study/models keeps the contract; the checks ship in the package."""

import pkgutil

import pytest
import torch

import study.models
from study.plan.contracts.core.findings import Entry
from study.plan.contracts.models import CHECKS, any_shape, images
from study.registry.lookup import find

NAMES = [m.name for m in pkgutil.iter_modules(study.models.__path__) if not (m.ispkg or m.name.startswith("_"))]

OPTIONS = {("timm_classifier", "one_device"): {"name": "resnet18"}}
"""timm's transformers read their rates of dropping paths from a tensor of the CPU, which has no values there."""


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str, check: str) -> None:
    assert CHECKS[check](Entry(name, find("model", name), OPTIONS.get((name, check), {}))) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_training_pass_draws_nothing_from_the_global_generator(name: str) -> None:
    model, shape = any_shape(Entry(name, find("model", name)))
    state = torch.get_rng_state()
    model.train()(images(shape, 4))
    assert torch.equal(state, torch.get_rng_state())


def test_there_are_models() -> None:
    assert {"small_cnn", "lenet5", "preact_resnet18", "torchvision_classifier"} <= set(NAMES)
