"""The projection against an exact solution by sorting, in numpy and float64."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from trainers.core.method import generator
from trainers.parts.projection import per_pixel_rms, project

CPU = torch.device("cpu")


def exact_scale(x: np.ndarray, delta: np.ndarray, epsilon: float) -> float:
    """Returns gamma for one image: walk along the sorted breakpoints until the norm passes epsilon."""
    moving = delta != 0
    room, size = np.where(delta > 0, 1 - x, x)[moving], np.abs(delta[moving])
    breaks = room / size
    gamma, fixed, free = 0.0, 0.0, float(np.sum(size**2))
    for i in np.argsort(breaks):
        if fixed + breaks[i] ** 2 * free >= epsilon**2:
            return math.sqrt(max(0.0, epsilon**2 - fixed) / free)
        gamma, fixed, free = breaks[i], fixed + room[i] ** 2, free - size[i] ** 2
        free = max(free, 1e-300)
    return gamma


def exact(x: Tensor, delta: Tensor, epsilon: float) -> np.ndarray:
    x64, delta64 = (t.double().flatten(1).numpy() for t in (x, delta))
    delta64 = delta64 / np.abs(delta64).max(axis=1, keepdims=True)  # the result has no scale, denormals would
    pairs = zip(x64, delta64, strict=True)
    return np.stack([np.clip(a + exact_scale(a, b, epsilon) * b, 0, 1) for a, b in pairs])


def norms(x: Tensor, projected: Tensor) -> np.ndarray:
    return (projected.double() - x.double()).flatten(1).norm(dim=1).numpy()


def images(kind: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    rng = generator(CPU, 1)
    x = torch.rand(shape, dtype=torch.float64, generator=rng)
    if kind == "strokes":  # most pixels exactly 0 or 1, as in MNIST
        x = (x * 3 - 1.5).clamp(0, 1)
    return x.to(dtype)


def noise(kind: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    rng = generator(CPU, 2)
    n = torch.randn(shape, dtype=torch.float64, generator=rng)
    if kind == "heavy":
        n = n**5
    elif kind == "sparse":
        n = n * (torch.rand(shape, generator=rng) < 0.3) + 1e-3 * n.flip(0)
    elif kind == "denormal":
        n = n * torch.finfo(dtype).tiny * 1e-2
    elif kind == "huge":
        n = n * 1e18
    return n.to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("delta_kind", ["normal", "heavy", "sparse", "denormal", "huge"])
@pytest.mark.parametrize("image_kind", ["uniform", "strokes"])
@pytest.mark.parametrize("shape", [(6, 1, 8, 8), (5, 3, 30, 30), (2, 3, 64, 64)])
def test_norm_is_epsilon_and_scale_is_exact(shape, image_kind, delta_kind, dtype):
    x, delta = images(image_kind, shape, dtype), noise(delta_kind, shape, dtype)
    before = x.clone(), delta.clone()
    for rms in (0.01, 0.1, 0.348):
        epsilon = per_pixel_rms(rms, x)
        projected = project(x, delta, epsilon)
        assert projected.dtype == dtype
        assert projected.min() >= 0 and projected.max() <= 1
        np.testing.assert_allclose(norms(x, projected), epsilon, rtol=1e-4)
        tolerance = 1e-4 if delta_kind != "denormal" else 0.1  # denormal deltas have few digits themselves
        np.testing.assert_allclose(projected.double().flatten(1), exact(x, delta, epsilon), atol=tolerance)
    assert torch.equal(x, before[0]) and torch.equal(delta, before[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_out_of_reach_goes_as_far_as_it_can(dtype):
    x, delta = images("strokes", (4, 1, 8, 8), dtype), noise("normal", (4, 1, 8, 8), dtype)
    corner = torch.where(delta > 0, torch.ones_like(x), torch.zeros_like(x))
    assert torch.equal(project(x, delta, 100.0), corner)
    x = corner.clone()  # already saturated: nothing can move
    assert torch.equal(project(x, delta, 1.0), x)
    x[0, 0, 0, 0] = 0.5  # one pixel can, by 1/2
    np.testing.assert_allclose(norms(x, project(x, delta, 1.0)), [0.5, 0, 0, 0], rtol=1e-6)
    reach = float(norms(images("uniform", (1, 1, 8, 8), dtype), corner[:1])[0])  # epsilon exactly the reach
    torch.testing.assert_close(project(images("uniform", (1, 1, 8, 8), dtype), delta[:1], reach), corner[:1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_is_nan_at_the_edges(dtype):
    x = images("strokes", (3, 1, 8, 8), dtype)
    delta = torch.zeros_like(x)
    delta[1, 0, 0, 0] = torch.finfo(dtype).smallest_normal / 4
    delta[2] = torch.finfo(dtype).max / 4
    assert torch.equal(project(x, torch.zeros_like(x), 1.0), x)
    assert project(x[:0], x[:0], 1.0).shape == x[:0].shape
    assert torch.equal(project(x, noise("normal", x.shape, dtype), 0.0), x)
    for epsilon in (0.0, 1e-8, 0.3, 1e4):
        for through in (True, False):
            leaf = delta.clone().requires_grad_()
            projected = project(x, leaf, epsilon, differentiate_gamma=through)
            projected.sum().backward()
            assert projected.isfinite().all()
            assert not leaf.grad.isnan().any()


def test_gradient_through_gamma_equals_finite_differences():
    x = images("strokes", (2, 1, 5, 5), torch.float64) * 0.9 + 0.05
    x.requires_grad_()
    delta = noise("normal", (2, 1, 5, 5), torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: project(a, b, 1.2), (x, delta), eps=1e-7, atol=1e-5)
    # The norm does not depend on delta, so that its gradient vanishes; with gamma a constant it does not.
    for through, vanishes in ((True, True), (False, False)):
        squared = (project(x, delta, 1.2, differentiate_gamma=through) - x.detach()).square().sum()
        (gradient,) = torch.autograd.grad(squared, delta)
        assert (float(gradient.abs().max()) < 1e-9) == vanishes


def test_constant_gamma_passes_the_scaled_gradient():
    x, delta = images("uniform", (2, 1, 5, 5), torch.float64), noise("normal", (2, 1, 5, 5), torch.float64)
    delta.requires_grad_()
    projected = project(x, delta, 1.2, differentiate_gamma=False)
    (gradient,) = torch.autograd.grad(projected.sum(), delta)
    pairs = zip(x.flatten(1).numpy(), delta.detach().flatten(1).numpy(), strict=True)
    gamma = np.array([exact_scale(a, b, 1.2) for a, b in pairs])
    inside = ((projected > 0) & (projected < 1)).flatten(1).numpy()
    np.testing.assert_allclose(gradient.flatten(1), inside * gamma[:, None], rtol=1e-6)


def test_same_scale_as_foolbox():
    rescaling = pytest.importorskip("foolbox.external.clipping_aware_rescaling")
    shape = (8, 3, 32, 32)
    x, delta = images("strokes", shape, torch.float32), noise("normal", shape, torch.float32)
    for epsilon in (1.0, 19.3, 27.0):
        theirs = (x + rescaling.l2_clipping_aware_rescaling(x, delta, epsilon) * delta).clamp(0, 1)
        torch.testing.assert_close(project(x, delta, epsilon), theirs, atol=1e-4, rtol=0)


def test_rms_is_the_published_radius():
    assert per_pixel_rms(0.348, torch.empty(1, 3, 224, 224)) == pytest.approx(135, abs=0.05)
