"""Gaussian noise training (GNT)."""

from typing import Annotated

import torch
from annotated_types import MinLen
from torch import Generator, Tensor

from trainers.core.augmentation import Augmentation
from trainers.core.method import Share, Sigma, share_of
from trainers.parts.noise import draw_levels, gaussian

Sigmas = Annotated[tuple[Sigma, ...], MinLen(1)]
"""A set of noise levels."""


class GNT(Augmentation):
    """min E[CE(f(clip(x + sigma * n)), y)], n ~ N(0, I), on all but a clean share of each batch.

    Source: Rusak et al. 2020, section 3.1, equation 1.
    sigma: training noise std in pixel units, >= 0; a set of values means one drawn uniformly per image (GNT_mult:
        .08, .12, .18, .26, .38). 0 is vanilla training. Published best for ResNet-50 on ImageNet: 0.5.
    p_clean: share of each batch that stays clean, in [0, 1].

    Example:
        method = GNT(sigma=0.5, p_clean=0.5)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    add_noise = staticmethod(gaussian)

    def __init__(self, *, sigma: Sigma | Sigmas = 0.5, p_clean: Share = 0.5) -> None:
        super().__init__()
        self.p_clean = p_clean
        self.register_buffer("levels", torch.tensor(sigma).view(-1), persistent=False)
        self.levels: Tensor

    def views(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns x (B, C, H, W), the first share as it is, with noise on the rest."""
        clean = share_of(self.p_clean, x)
        sigma = draw_levels(self.levels, len(x) - clean, rng)
        return torch.cat([x[:clean], self.add_noise(x[clean:], sigma, rng)])


METHOD = GNT
