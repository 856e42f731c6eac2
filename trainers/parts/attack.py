"""Projected gradient ascent within a ball around images."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Generator, Tensor

Norm = Literal["linf", "l2"]
TINY = 1e-12
"""Keeps a gradient of zero from being divided by zero: it then moves nothing."""


def project(delta: Tensor, epsilon: float, norm: Norm) -> Tensor:
    """Returns the point of the ball of radius epsilon nearest to delta (N, C, H, W), per image; in L2 or
    Linf."""
    if norm == "linf":
        return delta.clamp(-epsilon, epsilon)
    return delta * (epsilon / _length(delta)).clamp(max=1)


def random_start(x: Tensor, epsilon: float, norm: Norm, rng: Generator) -> Tensor:
    """Returns a point uniform in the ball of radius epsilon, of x's shape (N, C, H, W)."""
    if norm == "linf":
        return torch.empty_like(x).uniform_(-epsilon, epsilon, generator=rng)
    direction = torch.empty_like(x).normal_(generator=rng)
    radius = torch.rand((len(x), 1, 1, 1), generator=rng, device=x.device) ** (1 / x[0].numel())
    return direction * (epsilon * radius / _length(direction))


def pgd(
    loss: Callable[[Tensor], Tensor],
    x: Tensor,
    rng: Generator,
    *,
    epsilon: float,
    step: float,
    steps: int,
    norm: Norm = "linf",
) -> Tensor:
    """Returns images near x on which `loss`, a sum or mean over images, is large; x is not written.

    x' <- clip(x + project(x' + step * u - x)), u the gradient's sign (Linf) or its direction (L2), `steps`
    times from a random start (Madry et al. 2018, section 2.1). Within epsilon of x, up to rounding, and in
    [0, 1]. epsilon 0 or no steps from epsilon 0 return x's values. Gradients reach the images alone, none is
    left in any parameter.
    """
    at = (x + random_start(x, epsilon, norm, rng)).clamp(0, 1)
    for _ in range(steps):
        at.requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss(at), at)
        move = gradient.sign() if norm == "linf" else gradient / _length(gradient)
        at = (x + project(at.detach() + step * move - x, epsilon, norm)).clamp(0, 1)
    return at


def _length(delta: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(delta, dim=(1, 2, 3), keepdim=True)
    return length.clamp(min=TINY)
