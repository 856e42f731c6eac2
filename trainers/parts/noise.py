"""Noise on images: pure functions, clipped to the valid range, never writing their input."""

import torch
from torch import Generator, Tensor


def gaussian(x: Tensor, sigma: float | Tensor, rng: Generator) -> Tensor:
    """Returns clip(x + sigma * n, 0, 1), n ~ N(0, I) (Rusak et al. 2020, eq. 1).

    x: (B, C, H, W) in [0, 1]. sigma: one value, or one per image (B,), in pixel units, >= 0; 0 returns x's values.
    """
    noise = torch.empty_like(x).normal_(generator=rng)
    return noise.mul_(_per_image(sigma)).add_(x).clamp_(0, 1)


def speckle(x: Tensor, sigma: float | Tensor, rng: Generator) -> Tensor:
    """Returns clip(x + x * sigma * n, 0, 1), n ~ N(0, I) (ImageNet-C's held-out corruption).

    x: (B, C, H, W) in [0, 1]. sigma: one value, or one per image (B,), relative to the pixel, >= 0.
    """
    noise = torch.empty_like(x).normal_(generator=rng)
    return noise.mul_(_per_image(sigma)).mul_(x).add_(x).clamp_(0, 1)


def draw_levels(levels: Tensor, count: int, rng: Generator) -> Tensor:
    """Returns `count` values drawn uniformly from the set `levels` (K,), as (count,) on the same device."""
    return levels[torch.randint(len(levels), (count,), generator=rng, device=levels.device)]


def _per_image(sigma: float | Tensor) -> float | Tensor:
    return sigma.view(-1, 1, 1, 1) if isinstance(sigma, Tensor) and sigma.dim() else sigma
