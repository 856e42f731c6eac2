"""Noise corruptions of ImageNet-C (Hendrycks and Dietterich 2019) and its held-out speckle noise."""

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, Levels, column


def gaussian_noise(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """x + sigma * n, n ~ N(0, I). level: (sigma), in pixel units."""
    return torch.empty_like(x).normal_(generator=rng).mul_(level[0]).add_(x)


def shot_noise(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Poisson(c * x) / c: photon counting. level: (c), photons at full brightness."""
    return torch.poisson(x * level[0], generator=rng).div_(level[0])


def impulse_noise(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Each value becomes 0 or 1 (a fair coin) with probability p. level: (p).

    One uniform draw u decides both: u < p/2 is pepper, p/2 <= u < p is salt.
    """
    u = torch.empty_like(x).uniform_(generator=rng)
    return torch.where(u < level[0], (u >= level[0] / 2).to(x.dtype), x)


def speckle_noise(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """x + x * sigma * n, n ~ N(0, I). level: (sigma), relative to the pixel."""
    return torch.empty_like(x).normal_(generator=rng).mul_(level[0]).mul_(x).add_(x)


def _levels(cifar: tuple[float, ...], imagenet: tuple[float, ...]) -> Levels:
    return Levels(floors=(None,), cifar=column(*cifar), imagenet=column(*imagenet))


CORRUPTIONS = (
    Corruption(
        "gaussian_noise",
        "noise",
        gaussian_noise,
        _levels((0.04, 0.06, 0.08, 0.09, 0.10), (0.08, 0.12, 0.18, 0.26, 0.38)),
    ),
    Corruption("shot_noise", "noise", shot_noise, _levels((500, 250, 100, 75, 50), (60, 25, 12, 5, 3))),
    Corruption(
        "impulse_noise",
        "noise",
        impulse_noise,
        _levels((0.01, 0.02, 0.03, 0.05, 0.07), (0.03, 0.06, 0.09, 0.17, 0.27)),
    ),
    Corruption(
        "speckle_noise",
        "noise",
        speckle_noise,
        _levels((0.06, 0.1, 0.12, 0.16, 0.2), (0.15, 0.2, 0.35, 0.45, 0.6)),
    ),
)
