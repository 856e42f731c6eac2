"""Projected gradient ascent on images: one loop for every norm, in training and in evaluation."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

Norm = Literal["linf", "l2"]
TINY = 1e-12
"""Keeps a gradient of zero from being divided by zero: it then moves nothing."""


@dataclass(frozen=True)
class Ball(ABC):
    """The perturbations {delta : ||delta|| <= epsilon} of each image of a batch (B, C, H, W).

    A norm is a subclass that says how to draw one, which direction is steepest, and which one is nearest. Nothing
    is written in place. epsilon: radius in pixel units of [0, 1], >= 0.
    """

    epsilon: float

    @abstractmethod
    def start(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns a random perturbation of x's shape, uniform in the ball."""

    @abstractmethod
    def normalise(self, gradient: Tensor) -> Tensor:
        """Returns the direction of norm 1 along which the loss rises most, per image; 0 where the gradient is 0."""

    @abstractmethod
    def project(self, delta: Tensor) -> Tensor:
        """Returns the perturbation in the ball that is nearest to delta (in L2), per image."""

    def around(self, x: Tensor, moved: Tensor) -> Tensor:
        """Returns images x + project(moved - x), clipped to [0, 1]: `moved`, brought into the ball around x.

        Clipping comes last and leaves the ball nowhere, because x itself is in [0, 1].
        """
        return (x + self.project(moved - x)).clamp(0, 1)


class Linf(Ball):
    """No value of a pixel changes by more than epsilon."""

    def start(self, x: Tensor, rng: Generator) -> Tensor:
        """See `Ball`: every value uniform in [-epsilon, epsilon)."""
        return torch.empty_like(x).uniform_(-self.epsilon, self.epsilon, generator=rng)

    def normalise(self, gradient: Tensor) -> Tensor:
        """See `Ball`: the sign."""
        return gradient.sign()

    def project(self, delta: Tensor) -> Tensor:
        """See `Ball`: every value clipped."""
        return delta.clamp(-self.epsilon, self.epsilon)


class L2(Ball):
    """The Euclidean length of an image's whole change is at most epsilon."""

    def start(self, x: Tensor, rng: Generator) -> Tensor:
        """See `Ball`: a Gaussian direction, and a length epsilon * u^(1/d) for u uniform in [0, 1), d values."""
        direction = torch.empty_like(x).normal_(generator=rng)
        radius = torch.rand((len(x), 1, 1, 1), generator=rng, device=x.device) ** (1 / x[0].numel())
        return direction * (self.epsilon * radius / length(direction))

    def normalise(self, gradient: Tensor) -> Tensor:
        """See `Ball`: the gradient by its length."""
        return gradient / length(gradient)

    def project(self, delta: Tensor) -> Tensor:
        """See `Ball`: shortened to epsilon where it is longer."""
        return delta * (self.epsilon / length(delta)).clamp(max=1)


BALLS: Mapping[Norm, type[Ball]] = {"linf": Linf, "l2": L2}


def length(delta: Tensor) -> Tensor:
    """Returns the L2 norm (B, 1, 1, 1) of each of a batch (B, C, H, W), at least `TINY`."""
    norm: Tensor = torch.linalg.vector_norm(delta, dim=(1, 2, 3), keepdim=True)
    return norm.clamp(min=TINY)


def pgd(
    loss: Callable[[Tensor], Tensor],
    x: Tensor,
    start: Tensor,
    ball: Ball,
    steps: Sequence[float],
    *,
    momentum: float | None = None,
) -> Tensor:
    """Returns images in the ball around x on which `loss` is large, one ascent step from `start` for each of `steps`:

        g <- G, or with momentum g <- momentum * g + G / mean|G|;  G = d loss / d x'
        x' <- clip(x + project(x' + step * normalise(g) - x), 0, 1)

    Source: Madry et al. 2018, section 2.1; the momentum is that of Dong et al. 2018. None is plain; 0 differs from it
    by the division alone, so that a gradient that nearly vanishes counts in full.
    loss: a scalar, sum or mean over images (B, C, H, W); it is called once a step, on images that require a gradient.
    x, start: images in [0, 1], not written. steps: lengths in pixel units, in the order they are taken; without
    any, `start` is returned. Gradients reach the images alone: none is left in any parameter.
    """
    moved, velocity = start, torch.zeros_like(x)
    for step in steps:
        moved = moved.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(moved), moved)
        if momentum is not None:
            size = gradient.abs().mean((1, 2, 3), keepdim=True)
            gradient = velocity = momentum * velocity + gradient / size.clamp_min(torch.finfo(size.dtype).tiny)
        moved = ball.around(x, moved.detach() + step * ball.normalise(gradient))
    return moved
