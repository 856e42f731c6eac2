"""Random noise of several norms: Gaussian noise training's direct generalisation."""

import math
from typing import Annotated

import torch
from annotated_types import Gt, Le, MinLen
from torch import Generator, Tensor

from trainers.core.augmentation import Augmentation
from trainers.core.method import Share, share_of
from trainers.parts.ball import salt_and_pepper, uniform_in_ball

Radius = Annotated[float, Gt(0), Le(1000)]
"""Of an L1 or L2 ball, in pixel units summed over all C * H * W values of an image."""
Radii = Annotated[tuple[Radius, ...], MinLen(1)]
Part = Annotated[float, Gt(0), Le(1)]
Parts = Annotated[tuple[Part, ...], MinLen(1)]
INF = math.inf


class PNormNoise(Augmentation):
    """min E[CE(f(clip(x + delta)), y)], delta uniform in a p-norm ball whose norm and radius are drawn for each group.

    Source: Siedel et al. 2024, "Investigating the Corruption Robustness of Image Classifiers with Random p-norm
    Corruptions", mixed training: groups of `group` images draw one (norm, radius) uniformly from all those listed. (In
    the authors' code the images of a group share their magnitudes and differ in signs; here each has its own.)

    linf: radii of the L_inf ball, in pixel units (0, 1]. l2, l1: radii of the L2 and L1 ball, > 0; for the same noise
    in a pixel they grow with the square root and with the number of the values in an image: the defaults are those of
    3 x 32 x 32. l0: shares (0, 1] of an image's values that become 0 or 1. A norm that is None is not drawn.
    p_clean: share of each batch that stays clean, in [0, 1]. group: images that share norm and radius, >= 1.

    Example:
        method = PNormNoise(linf=(0.05, 0.1), l2=None, l0=(0.01,))
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        linf: Parts | None = (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15),
        l2: Radii | None = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0),
        l1: Radii | None = None,
        l0: Parts | None = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.12),
        p_clean: Share = 0.0,
        group: Annotated[int, Gt(0)] = 8,
    ) -> None:
        super().__init__()
        norms = {INF: linf, 2.0: l2, 1.0: l1, 0.0: l0}
        self.norms = {norm: sizes for norm, sizes in norms.items() if sizes is not None}
        if not self.norms:
            raise ValueError("linf, l2, l1 and l0 are all None; give the sizes of at least one norm")
        self.p_clean, self.group = p_clean, group
        pairs = [(number, size) for number, sizes in enumerate(self.norms.values()) for size in sizes]
        self.register_buffer("pairs", torch.tensor(pairs), persistent=False)
        self.pairs: Tensor

    def views(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns x (B, C, H, W), the first share as it is, with noise on the rest."""
        clean = share_of(self.p_clean, x)
        images = x[clean:]
        groups = -(-len(images) // self.group)
        drawn = torch.randint(len(self.pairs), (groups,), generator=rng, device=x.device)
        number, size = self.pairs[drawn].repeat_interleave(self.group, 0)[: len(images)].unbind(1)
        noisy = images
        for i, (norm, sizes) in enumerate(self.norms.items()):
            mine = number == i
            radius = torch.where(mine, size, 0)
            if norm == 0:
                changed = salt_and_pepper(images, radius, max(sizes), rng)
            else:
                delta = uniform_in_ball(images.shape, norm, rng).to(x.dtype)
                changed = (images + radius.to(x.dtype).view(-1, 1, 1, 1) * delta).clamp(0, 1)
            noisy = torch.where(mine.view(-1, 1, 1, 1), changed, noisy)
        return torch.cat([x[:clean], noisy])


METHOD = PNormNoise
