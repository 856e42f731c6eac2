"""A search that sees no gradient: random squares."""

import math

import torch
from torch import Generator, Tensor, nn

from study.evaluation.attacks.objectives import margin
from trainers.parts.attack import Ball, Linf

HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of the queries after which the squares' area is halved (Andriushchenko et al. 2020, section 3.2)."""


@torch.no_grad()
def square(
    model: nn.Module, x: Tensor, y: Tensor, ball: Ball, *, queries: int, rng: Generator, area: float = 0.8
) -> Tensor:
    """Returns x' (B, C, H, W) in the ball, with the largest margin (see `objectives`) that `queries` random
    tries found.

    Source: the Linf attack of Andriushchenko et al. 2020: vertical stripes of +-epsilon, then squares of one
    +-epsilon a channel, each kept if the margin grows; the share `area` of the image that a square covers
    halves as the search goes on. In an L2 ball the squares have the size that spends epsilon on the square,
    and the sum is projected: simpler than the paper's L2 attack and weaker. Asking the forward pass alone, it
    is not fooled by gradients that vanish or lie.
    """
    best = ball.around(x, x + _amount(ball, x[0].numel()) * _signs(x[:, :, :1, :], rng))
    score = margin(model(best), y)
    rows = torch.arange(x.shape[2], device=x.device).view(1, 1, -1, 1)
    columns = torch.arange(x.shape[3], device=x.device).view(1, 1, 1, -1)
    for query in range(queries):
        share = area / 2 ** sum(query >= part * queries for part in HALVINGS)
        side = min(max(1, round(math.sqrt(share * x.shape[2] * x.shape[3]))), x.shape[2], x.shape[3])
        top, left = (_corners(x, size - side, rng) for size in x.shape[2:])
        inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
        patch = _amount(ball, x.shape[1] * side**2) * _signs(x[:, :, :1, :1], rng)
        base = x if isinstance(ball, Linf) else best
        tried = ball.around(x, torch.where(inside, base + patch, best))
        value = margin(model(tried), y)
        better = value > score
        best = torch.where(better.view(-1, 1, 1, 1), tried, best)
        score = torch.where(better, value, score)
    return best


def _amount(ball: Ball, pixels: int) -> float:
    """What each of so many pixels moves by, to spend the whole of epsilon."""
    return ball.epsilon if isinstance(ball, Linf) else ball.epsilon / math.sqrt(pixels)


def _signs(like: Tensor, rng: Generator) -> Tensor:
    return torch.empty_like(like).bernoulli_(0.5, generator=rng) * 2 - 1


def _corners(x: Tensor, last: int, rng: Generator) -> Tensor:
    return torch.randint(last + 1, (len(x), 1, 1, 1), generator=rng, device=x.device)
