"""NoisyMix's networks against loops over their parameters, by name, in functional form."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from study.models.noisymix_resnet18 import NoisyMixResNet18
from study.models.noisymix_wide_resnet28 import NoisyMixWideResNet28
from study.models.preact_resnet18 import PreActResNet18


def norm_relu(h: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    centred = h - h.mean((0, 2, 3), keepdim=True)
    scaled = centred / (centred.square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()
    return (scaled * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)).relu()


def resnet18(weights: list[Tensor], x: Tensor, width: int) -> Tensor:
    values = iter(weights)
    h = F.conv2d(2 * x - 1, next(values), padding=1)
    inside = width
    for outside, stride in [(width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)]:
        for step in (stride, 1):
            active = norm_relu(h, next(values), next(values))
            change = F.conv2d(active, next(values), stride=step, padding=1)
            change = F.conv2d(norm_relu(change, next(values), next(values)), next(values), padding=1)
            passed = active if inside == outside else F.conv2d(active, next(values), stride=step)
            h, inside = passed + change, outside
    return h.mean((2, 3)) @ next(values).T + next(values)


def wide_resnet28(weights: list[Tensor], x: Tensor, k: int) -> Tensor:
    values = iter(weights)
    h = F.conv2d(2 * x - 1, next(values), next(values), padding=1)
    inside = 16
    for outside, stride in [(16 * k, 1), (32 * k, 2), (64 * k, 2)]:
        for step in (stride, 1, 1, 1):
            change = F.conv2d(norm_relu(h, next(values), next(values)), next(values), next(values), padding=1)
            change = norm_relu(change, next(values), next(values))
            change = F.conv2d(change, next(values), next(values), stride=step, padding=1)
            same = inside == outside and step == 1
            h = change + (h if same else F.conv2d(h, next(values), next(values), stride=step))
            inside = outside
    return norm_relu(h, next(values), next(values)).mean((2, 3)) @ next(values).T + next(values)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 20)])
@pytest.mark.parametrize("wide", [False, True])
def test_they_are_the_networks_of_the_code(wide: bool, shape: tuple[int, int, int]) -> None:
    rng = torch.Generator().manual_seed(0)
    model = (
        # k = 2: with k = 1 the first block's shortcut is the identity
        NoisyMixWideResNet28(shape=shape, classes=5, k=2) if wide else NoisyMixResNet18(shape=shape, classes=5, width=4)
    ).double()
    model.initialise(rng)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.rand(parameter.shape, generator=rng, dtype=torch.double), alpha=0.1)
        x = torch.rand(6, *shape, generator=rng, dtype=torch.double)
        weights = list(model.parameters())
        want = wide_resnet28(weights, x, 2) if wide else resnet18(weights, x, 4)
        torch.testing.assert_close(model.train()(x), want, atol=1e-9, rtol=1e-9)


def test_sizes() -> None:
    published = PreActResNet18(shape=(3, 32, 32), classes=10)
    here = NoisyMixResNet18(shape=(3, 32, 32), classes=10)
    # the same network without the last normalisation's scale and shift
    assert _size(here) == _size(published) - 2 * 512 == 11_171_146


def test_dropout_is_right_after_the_first_convolution() -> None:
    model = NoisyMixWideResNet28(shape=(3, 8, 8), classes=10, k=1, dropout=0.1)
    layers = list(model.modules())
    before = [layers[place - 1] for place, layer in enumerate(layers) if isinstance(layer, nn.Dropout)]
    assert len(before) == 12
    assert all(isinstance(layer, nn.Conv2d) and layer.stride == (1, 1) for layer in before)


def _size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
