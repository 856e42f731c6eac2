"""PRIME's mixture and AFA's waves, and the batch normalisations that the waves have of their own."""

import copy
import math

import numpy as np
import torch
from torch import nn

from tests.support import CPU, same, small_cnn
from trainers.afa import Afa, plane_waves
from trainers.core.method import generator
from trainers.parts.auxiliary_norm import AuxiliaryNorm
from trainers.prime import Prime

X = torch.rand(12, 1, 8, 8, generator=generator(CPU, 1))
Y = torch.arange(12) % 10


def norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


def test_the_mixture_lies_between_the_image_and_its_chains() -> None:
    method = Prime()
    mixed = method.mixed(X, generator(CPU, 2), 2)
    assert mixed.shape == (24, 1, 8, 8) and mixed.min() >= 0 and mixed.max() <= 1
    assert not torch.equal(mixed[:12], mixed[12:])
    method._primitives = lambda images, rng: images  # type: ignore[method-assign, assignment]
    assert torch.allclose(method.mixed(X, generator(CPU, 2), 2), X.repeat(2, 1, 1, 1), atol=1e-6)


def test_each_primitive_gets_a_third() -> None:
    method, seen = Prime(depth=1, width=1), []
    real = method._primitives

    def watched(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        seen.append(len(images))
        return real(images, rng)

    method._primitives = watched  # type: ignore[method-assign, assignment]
    method.mixed(X, generator(CPU, 3), 1)
    assert seen == [12]


def test_a_wave_is_plane_of_the_norm_and_of_its_frequency() -> None:
    rng, side = generator(CPU, 4), 32
    waves = plane_waves((40, 2, side, side), rng).double()
    assert torch.allclose(waves.flatten(2).norm(dim=2), torch.ones(40, 2).double(), atol=1e-5)
    redrawn = generator(CPU, 4)
    k = torch.randint(1, side + 1, (40, 2, 1, 1), generator=redrawn).double().numpy()
    angle = -math.pi * torch.randint(448, (40, 2, 1, 1), generator=redrawn).double().numpy() / 447
    at = np.linspace(-side / 2, side / 2, side)
    expected = np.sin(2 * np.pi * k / side * (at * np.cos(angle) + at[:, None] * np.sin(angle)) - np.pi / 4)
    expected /= np.sqrt((expected**2).sum((2, 3), keepdims=True))
    assert np.allclose(waves.numpy(), expected, atol=1e-3)


def test_waves_leave_the_models_own_statistics_alone_and_move_their_own() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 10)).train()
    auxiliary = AuxiliaryNorm(model)
    with torch.no_grad():
        auxiliary.get_parameter("1__weight").fill_(2.0)
    other = copy.deepcopy(model)
    other[1].weight.data.fill_(2.0)
    before = copy.deepcopy(model.state_dict())
    logits = auxiliary(model, X)
    assert torch.allclose(logits, other(X), atol=1e-6) and same(model.state_dict(), before)
    assert torch.equal(auxiliary.get_buffer("1__running_mean"), other[1].running_mean)
    logits.sum().backward()
    assert auxiliary.get_parameter("1__weight").grad is not None and model[1].weight.grad is None
    assert model[0].weight.grad is not None


def test_the_loss_is_the_mean_of_both_passes() -> None:
    model, method = small_cnn().train(), Afa(strength=1e-9)
    method.setup(model, X, generator(CPU, 5))
    assert len(list(method.auxiliary.parameters())) == 2 * len(norms(model))
    loss = method.loss(model, X, Y, generator(CPU, 6))
    expected = nn.functional.cross_entropy(small_cnn().train()(X), Y)
    assert torch.allclose(loss, expected, atol=1e-5)
    consistent = Afa(strength=1e-9, weight=10.0)
    consistent.setup(fresh := small_cnn().train(), X, generator(CPU, 5))
    assert torch.allclose(consistent.loss(fresh, X, Y, generator(CPU, 6)), expected, atol=1e-4)
