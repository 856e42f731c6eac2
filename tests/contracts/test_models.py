"""What every file of study/models has to do, at every image size that it does not refuse."""

import copy
import importlib
import inspect
import pkgutil

import pytest
import torch
from torch import nn

import study.models
from study.errors import UserError
from study.models.core.classifier import Classifier, Normalise

NAMES = [m.name for m in pkgutil.iter_modules(study.models.__path__) if not (m.ispkg or m.name.startswith("_"))]
SHAPES = [(channels, size, size) for channels in (1, 3) for size in (8, 28, 32, 64)]


def _build(name: str, shape: tuple[int, int, int], seed: int = 0) -> Classifier:
    model = importlib.import_module(f"study.models.{name}").MODEL(shape=shape, classes=7)
    model.initialise(torch.Generator().manual_seed(seed))
    return model


def _any_shape(name: str, seed: int = 0) -> tuple[Classifier, tuple[int, int, int]]:
    for shape in SHAPES[::-1] + SHAPES:
        try:
            return _build(name, shape, seed), shape
        except UserError:
            continue
    raise AssertionError(f"{name} takes none of {SHAPES}")


def _images(shape: tuple[int, int, int], count: int = 2) -> torch.Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_logits_are_the_composition_of_the_stages(name: str, shape: tuple[int, int, int]) -> None:
    try:
        model = _build(name, shape)
    except UserError as error:
        assert f"{shape[1]} x {shape[2]}" in str(error) and "\n" not in str(error)
        return
    x = _images(shape)
    before = x.clone()
    model.eval()
    with torch.no_grad():
        logits, by_stage = model(x), x
        for stage in model.stages:
            by_stage = stage(by_stage)
    assert logits.shape == (2, 7) and logits.isfinite().all()
    assert torch.equal(logits, by_stage) and torch.equal(x, before)
    assert not torch.allclose(logits[0], logits[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_first_stage_normalises_and_stages_can_be_entered(name: str) -> None:
    model, shape = _any_shape(name)
    assert isinstance(model, Classifier) and isinstance(model.stages[0], Normalise)
    assert len(model.stages) >= 2
    assert {id(p) for p in model.parameters()} == {id(p) for stage in model.stages for p in stage.parameters()}


@pytest.mark.parametrize("name", NAMES)
def test_the_start_is_the_generators_alone(name: str) -> None:
    state = torch.get_rng_state()
    first, shape = _any_shape(name)
    torch.rand(3)  # constructors draw from the global generator; it must not matter where that stands
    again, other = _build(name, shape), _build(name, shape, seed=1)
    torch.set_rng_state(state)
    a, b, c = (model.state_dict() for model in (first, again, other))
    assert all(torch.equal(a[key], b[key]) for key in a)
    drawn = [key for key, module in first.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert drawn and not any(torch.equal(a[f"{key}.weight"], c[f"{key}.weight"]) for key in drawn)


@pytest.mark.parametrize("name", NAMES)
def test_initialise_leaves_nothing_of_training_and_does_not_draw_globally(name: str) -> None:
    model, shape = _any_shape(name)
    fresh = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        for value in model.state_dict().values():
            value.add_(1)
    state = torch.get_rng_state()
    model.initialise(torch.Generator().manual_seed(0))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, fresh[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_a_training_pass_gives_every_parameter_a_gradient_without_global_draws(name: str) -> None:
    model, shape = _any_shape(name)
    state = torch.get_rng_state()
    model.train()
    nn.functional.cross_entropy(model(_images(shape, 4)), torch.arange(4)).backward()
    assert torch.equal(state, torch.get_rng_state())
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key
        assert parameter.grad.any(), key


@pytest.mark.parametrize("name", NAMES)
def test_the_state_goes_round(name: str) -> None:
    model, shape = _any_shape(name)
    other = _build(name, shape, seed=1)
    other.load_state_dict(model.state_dict())
    x = _images(shape)
    with torch.no_grad():
        assert torch.equal(model.eval()(x), other.eval()(x))


@pytest.mark.parametrize("name", NAMES)
def test_the_configuration_is_keyword_only_annotated_and_documented(name: str) -> None:
    cls = importlib.import_module(f"study.models.{name}").MODEL
    parameters = list(inspect.signature(cls).parameters.values())
    assert [p.name for p in parameters[:2]] == ["shape", "classes"]
    assert all(p.kind is p.KEYWORD_ONLY and p.annotation is not p.empty for p in parameters)
    assert all(f"{p.name}: " in cls.__doc__ and p.default is not p.empty for p in parameters[2:])


def test_there_are_models() -> None:
    assert {"small_cnn", "lenet5", "preact_resnet18", "torchvision_classifier"} <= set(NAMES)
