"""Projected gradient ascent on an attack's objective."""

import math
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from study.evaluation.attacks.ball import Ball
from study.evaluation.attacks.objectives import Objective


def pgd(
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

        g <- momentum * g + G / mean|G|,  G = d objective / d x'
        x' <- project(x' + step_t * epsilon * steepest(g))

    Source: Madry et al. 2018 (momentum 0, constant step); the momentum is that of Dong et al. 2018.
    steps: gradients taken. step: in epsilons; "falling" multiplies it by (1 + cos(pi t / steps)) / 2.
    start: images to start from; None draws a random start from the ball. The model is in evaluation mode.
    """
    moved = ball.draw(x, rng) if start is None else ball.project(start, x)
    found, broken, velocity = moved, torch.zeros_like(y, dtype=torch.bool), torch.zeros_like(x)
    for t in range(steps):
        moved = moved.detach().requires_grad_()
        logits = model(moved)
        (gradient,) = torch.autograd.grad(objective(logits, y).sum(), moved)
        found, broken = _keep(found, broken, moved, logits, y)
        size = gradient.abs().mean((1, 2, 3), keepdim=True)
        velocity = momentum * velocity + gradient / size.clamp_min(torch.finfo(size.dtype).tiny)
        fall = (1 + math.cos(math.pi * t / steps)) / 2 if schedule == "falling" else 1.0
        moved = ball.project(moved.detach() + fall * step * ball.epsilon * ball.steepest(velocity), x)
    with torch.no_grad():
        return _keep(found, broken, moved, model(moved), y)[0]


def _keep(found: Tensor, broken: Tensor, moved: Tensor, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Follows `moved` until it is misclassified, then stays there."""
    found = torch.where(broken.view(-1, 1, 1, 1), found, moved.detach())
    return found, broken | (logits.argmax(1) != y)
