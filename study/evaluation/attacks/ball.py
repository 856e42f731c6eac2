"""The set an attack moves in: a ball around each image, within the range of pixels."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

Norm = Literal["linf", "l2"]


@dataclass(frozen=True)
class Ball:
    """{x' in [0, 1]^d : ||x' - x|| <= epsilon} around each image x (B, C, H, W). epsilon: pixel units, >
    0.
    """

    norm: Norm
    epsilon: float

    def project(self, moved: Tensor, x: Tensor) -> Tensor:
        """Returns `moved` brought into the ball around x and into [0, 1].

        Clipping to [0, 1] comes last and leaves the ball nowhere, since x is in [0, 1] itself.
        """
        change = moved - x
        if self.norm == "linf":
            change = change.clamp(-self.epsilon, self.epsilon)
        else:
            change = change * (self.epsilon / _length(change).clamp_min(self.epsilon))
        return (x + change).clamp(0, 1)

    def draw(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns a random start: uniform in the Linf ball; in L2 a Gaussian direction, length uniform in [0,
        epsilon].
        """
        if self.norm == "linf":
            return self.project(x + torch.empty_like(x).uniform_(-self.epsilon, self.epsilon, generator=rng), x)
        direction = torch.empty_like(x).normal_(generator=rng)
        length = torch.empty_like(x[:, :1, :1, :1]).uniform_(0, self.epsilon, generator=rng)
        return self.project(x + direction * (length / _length(direction)), x)

    def steepest(self, gradient: Tensor) -> Tensor:
        """Returns the direction of unit norm along which the objective rises most: the sign, or gradient /
        length.
        """
        if self.norm == "linf":
            return gradient.sign()
        return gradient / _length(gradient).clamp_min(torch.finfo(gradient.dtype).tiny)


def _length(x: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(x, dim=(1, 2, 3), keepdim=True)
    return length
