"""Noise on images: the equations in float64, identities, and moments."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.support import CPU, same
from trainers.core.method import generator
from trainers.parts.noise import draw_levels, gaussian, speckle

NOISES = (gaussian, speckle)
IMAGES = st.tuples(st.integers(1, 5), st.sampled_from((1, 3)), st.integers(1, 9), st.integers(1, 9))
quick = settings(max_examples=40, deadline=None, derandomize=True)


def _images(shape: tuple[int, ...], seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(shape, generator=generator(CPU, 9, seed), dtype=dtype)


@quick
@given(IMAGES, st.floats(0, 3), st.integers(0, 2**31), st.booleans())
def test_the_equations_in_double_precision(shape: tuple[int, ...], sigma: float, seed: int, each: bool) -> None:
    x = _images(shape, seed)
    levels = torch.linspace(0, sigma, shape[0]) if each else sigma
    scale = np.linspace(0, sigma, shape[0])[:, None, None, None] if each else sigma
    n = torch.randn(shape, generator=generator(CPU, seed)).double().numpy()
    pixels = x.double().numpy()
    expected = np.minimum(np.maximum(pixels + scale * n, 0), 1)
    np.testing.assert_allclose(gaussian(x, levels, generator(CPU, seed)).numpy(), expected, atol=2e-6)
    expected = np.minimum(np.maximum(pixels * (1 + scale * n), 0), 1)
    np.testing.assert_allclose(speckle(x, levels, generator(CPU, seed)).numpy(), expected, atol=2e-6)


@quick
@given(IMAGES, st.floats(0, 10), st.sampled_from((torch.float32, torch.float64, torch.bfloat16)), st.booleans())
def test_shape_type_and_range_stay_and_the_input_too(
    shape: tuple[int, ...], sigma: float, dtype: torch.dtype, each: bool
) -> None:
    x = _images(shape, 0, torch.float64).to(dtype)
    kept, state = x.clone(), torch.get_rng_state()
    for noise in NOISES:
        noisy = noise(x, torch.full((shape[0],), sigma) if each else sigma, generator(CPU, 1))
        assert noisy.shape == x.shape and noisy.dtype == dtype and noisy.data_ptr() != x.data_ptr()
        assert noisy.isfinite().all() and noisy.min() >= 0 and noisy.max() <= 1
    assert same(x, kept) and torch.equal(torch.get_rng_state(), state)


@quick
@given(IMAGES, st.integers(0, 1000))
def test_strength_zero_returns_the_same_values(shape: tuple[int, ...], seed: int) -> None:
    x = _images(shape, seed)
    x[0] = 0
    for noise in NOISES:
        assert same(noise(x, 0.0, generator(CPU, seed)), x)
        assert same(noise(x, torch.zeros(len(x)), generator(CPU, seed)), x)


@pytest.mark.parametrize("sigma", [0.01, 0.04, 0.08])
def test_variance_where_nothing_is_clipped(sigma: float) -> None:
    x = torch.full((64, 1, 32, 32), 0.5)
    count = x.numel()
    for noise, std in ((gaussian, sigma), (speckle, sigma / 2)):
        added = (noise(x, sigma, generator(CPU, 2)) - x).double()
        assert abs(float(added.mean())) < 5 * std / math.sqrt(count)
        assert float(added.std()) == pytest.approx(std, rel=5 / math.sqrt(2 * count))


@pytest.mark.parametrize("sigma", [0.26, 0.5, 1.0])
def test_moments_of_the_clipped_normal(sigma: float) -> None:
    """On 0.5, E[(x' - 0.5)^2] = sigma^2 (2 Phi(a) - 1 - 2 a phi(a)) + (1 - Phi(a)) / 2, with a = 0.5 / sigma."""
    x = torch.full((64, 1, 64, 64), 0.5)
    a = 0.5 / sigma
    inside, density = math.erf(a / math.sqrt(2)), math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    variance = sigma**2 * (inside - 2 * a * density) + (1 - inside) * 0.25
    added = (gaussian(x, sigma, generator(CPU, 3)) - x).double()
    assert float((added**2).mean()) == pytest.approx(variance, rel=0.01)
    assert abs(float(added.mean())) < 5e-3


def test_pixels_and_images_are_independent() -> None:
    added = gaussian(torch.full((2000, 1, 3, 3), 0.5), 0.05, generator(CPU, 4)).double().reshape(2000, 9)
    correlation = torch.corrcoef(added.T) - torch.eye(9)
    assert correlation.abs().max() < 0.1
    assert torch.corrcoef(torch.stack([added[:-1, 0], added[1:, 0]]))[0, 1].abs() < 0.1


def test_levels_are_drawn_uniformly() -> None:
    levels = torch.tensor([0.08, 0.12, 0.18, 0.26, 0.38])
    drawn = draw_levels(levels, 10_000, generator(CPU, 5))
    counts = [int((drawn == level).sum()) for level in levels]
    assert sum(counts) == 10_000 and all(abs(count - 2000) < 160 for count in counts)  # 4 standard deviations
    assert same(drawn, draw_levels(levels, 10_000, generator(CPU, 5)))
    assert draw_levels(levels, 0, generator(CPU, 5)).shape == (0,)
