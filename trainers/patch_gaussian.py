"""Patch Gaussian: Gaussian noise on a square patch of each image."""

from typing import Annotated

import torch
from annotated_types import Gt, Le
from torch import Generator, Tensor

from trainers.core.augmentation import Augmentation
from trainers.core.method import Sigma
from trainers.parts.noise import gaussian
from trainers.parts.patches import box


class PatchGaussian(Augmentation):
    """min E[CE(f(x'), y)], x' = clip(x + sigma * n) inside a square patch and x outside, n ~ N(0, I).

    Source: Lopes et al. 2019, section 3. Each image's patch has its centre at a uniform pixel, and may stick
    out.
    sigma: noise std in pixel units, >= 0; 0 is vanilla training. side: the patch's side as a share of the
    image's longer one, in (0, 2] (2 covers the image wherever its centre is). Published for 32 x 32: 25
    pixels, 0.78.

    Example:
        method = PatchGaussian(sigma=0.1, side=25 / 32)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(self, *, sigma: Sigma = 0.1, side: Annotated[float, Gt(0), Le(2)] = 25 / 32) -> None:
        super().__init__()
        self.sigma, self.side = sigma, side

    def views(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns x (B, C, H, W) with noise on a patch of each image."""
        height, width = x.shape[2:]
        side = torch.full((len(x),), round(self.side * max(height, width)), device=x.device)
        patch = box(side, side, height, width, rng)
        return torch.where(patch, gaussian(x, self.sigma, rng), x)


METHOD = PatchGaussian
