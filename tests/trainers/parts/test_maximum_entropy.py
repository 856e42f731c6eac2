"""PRIME's primitives against their equations, computed in double precision from the same draws."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from tests.support import CPU
from trainers.core.method import generator
from trainers.parts import maximum_entropy
from trainers.parts.draws import beta
from trainers.parts.maximum_entropy import displaced, filtered, recoloured


def images(n: int, channels: int = 3, side: int = 12) -> Tensor:
    return torch.rand(n, channels, side, side, generator=generator(CPU, 1))


def test_a_filter_is_a_correlation_with_the_drawn_kernel() -> None:
    x = images(4)
    changed, rng = filtered(x, 4.0, generator(CPU, 2)), generator(CPU, 2)
    strength = torch.rand((4, 1, 1, 1), generator=rng) * 4
    kernels = (strength * torch.randn((4, 1, 3, 3), generator=rng))[:, 0].double().numpy()
    for image, kernel, mine in zip(x.double().numpy(), kernels, changed, strict=True):
        kernel[1, 1] += 1
        expected = [np.clip(ndimage.correlate(plane, kernel, mode="constant"), 0, 1) for plane in image]
        assert np.allclose(mine.numpy(), expected, atol=1e-5)


def test_a_colour_map_is_the_sum_of_sines() -> None:
    x = images(6)
    changed, rng = recoloured(x, 0.01, generator(CPU, 3)), generator(CPU, 3)
    highest = torch.randint(1, 101, (6, 1, 1), generator=rng)
    scale = (torch.rand((6, 1, 1), generator=rng) * 0.01).sqrt().double()
    n = torch.randn((6, 3, 100), generator=rng).double()
    k = torch.arange(1, 101).double()
    sines = (math.pi * k * x.double()[..., None]).sin() * (k <= highest[..., None, None])
    expected = x + scale[..., None] * (sines * n[:, :, None, None]).sum(-1)
    assert torch.allclose(changed.double(), expected.clamp(0, 1), atol=2e-4)
    assert len(highest.unique()) > 3


@pytest.mark.parametrize("side", [8, 24])
def test_a_displacement_is_the_field_of_the_equation(side: int) -> None:
    x = images(5, 2, side)
    changed, rng = displaced(x, generator(CPU, 4)), generator(CPU, 4)
    c_max = torch.randint(3, 101, (5,), generator=rng).double()
    c = (2 + beta(0.5, 0.5, (5,), rng) * (c_max - 1)).floor().double()
    least = 1 / (math.pi * side**2 * c.log())
    most = torch.maximum(least, 4 / (math.pi**3 * c**2 * c.log()))
    temperature = least + beta(0.5, 0.5, (5,), rng).double() * (most - least)
    n = torch.randn((5, 2, side, side), generator=rng).double().numpy()
    at = np.linspace(0, 1, side)
    for b in range(5):
        field = np.zeros((2, side, side))
        for i in range(1, side + 1):
            for j in range(1, side + 1):
                if i**2 + j**2 < (float(c[b]) + 0.5) ** 2:
                    wave = np.sin(i * np.pi * at)[:, None] * np.sin(j * np.pi * at)
                    field += n[b, :, i - 1, j - 1, None, None] / math.hypot(i, j) * wave
        moved = field * math.sqrt(temperature[b]) * side
        rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
        for channel in range(2):
            plane = x[b, channel].double().numpy()
            expected = ndimage.map_coordinates(plane, [rows + moved[1], columns + moved[0]], order=1, mode="nearest")
            assert np.allclose(changed[b, channel].numpy(), expected, atol=1e-4)


def test_images_are_not_written_and_stay_images(monkeypatch: pytest.MonkeyPatch) -> None:
    x = images(9)
    before = x.clone()
    for change in (lambda r: filtered(x, 4.0, r), lambda r: displaced(x, r), lambda r: recoloured(x, 0.01, r)):
        changed = change(generator(CPU, 5))
        assert torch.equal(x, before) and changed.shape == x.shape
        assert changed.min() >= 0 and changed.max() <= 1 and not torch.equal(changed, x)
        assert torch.equal(changed, change(generator(CPU, 5)))
    monkeypatch.setattr(maximum_entropy, "COLOUR_CUT", 1)
    assert recoloured(torch.zeros(1, 1, 2, 2), 0.01, generator(CPU, 6)).abs().max() == 0
