"""Projected gradient ascent as an evaluation runs it: on an attack's objective, up to the first wrong prediction."""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from study.evaluation.attacks.objectives import Objective
from trainers.parts.attack import L2, Ball, Linf, Norm, length, pgd


class EvenL2(L2):
    """The L2 ball, searched from starts at all distances alike; in many dimensions nearly all of it is its edge."""

    def start(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns a Gaussian direction of a length uniform in [0, epsilon], of x's shape."""
        direction = torch.empty_like(x).normal_(generator=rng)
        distance = torch.empty_like(x[:, :1, :1, :1]).uniform_(0, self.epsilon, generator=rng)
        return direction * (distance / length(direction))

    def project(self, delta: Tensor) -> Tensor:
        """As `L2` does, but for the last digit: torch rounds epsilon / epsilon, and tables are compared bit for bit."""
        return delta * (self.epsilon / length(delta).clamp_min(self.epsilon))


ATTACK_BALLS: Mapping[Norm, type[Ball]] = {"linf": Linf, "l2": EvenL2}
"""The balls of evaluation; epsilon > 0."""


def pgd_until_wrong(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    objective: Objective,
    *,
    steps: int,
    step: float,
    rng: Generator,
    schedule: Literal["constant", "falling"] = "constant",
    momentum: float = 0.0,
    start: Tensor | None = None,
) -> Tensor:
    """Returns x' (B, C, H, W) in the ball: the first misclassified iterate, or the last where none is.

    The ascent is `trainers.parts.attack.pgd`, which `momentum` belongs to, on the sum of the objective.
    x: images in [0, 1], not written. y: labels (B,). steps: gradients taken. step: length in epsilons; "falling"
    multiplies it by (1 + cos(pi t / steps)) / 2. start: images to start from; None draws a random start from the ball.
    The model is in evaluation mode.
    """
    falls = [(1 + math.cos(math.pi * t / steps)) / 2 if schedule == "falling" else 1.0 for t in range(steps)]
    seen = _FirstWrong(y)

    def loss(moved: Tensor) -> Tensor:
        logits = model(moved)
        seen.follow(moved, logits)
        return objective(logits, y).sum()

    first = ball.around(x, x + ball.start(x, rng) if start is None else start)
    last = pgd(loss, x, first, ball, [fall * step * ball.epsilon for fall in falls], momentum=momentum)
    with torch.no_grad():
        return seen.follow(last, model(last))


class _FirstWrong:
    """Follows the iterates of an ascent, each image until it is misclassified."""

    def __init__(self, y: Tensor) -> None:
        self.y, self.wrong = y, torch.zeros_like(y, dtype=torch.bool)
        self.images: Tensor | None = None

    def follow(self, moved: Tensor, logits: Tensor) -> Tensor:
        """Returns the iterate (B, C, H, W) at which each image stands: `moved` unless an earlier one was wrong."""
        moved = moved.detach()
        self.images = moved if self.images is None else torch.where(self.wrong.view(-1, 1, 1, 1), self.images, moved)
        self.wrong = self.wrong | (logits.argmax(1) != self.y)
        return self.images
