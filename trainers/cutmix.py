"""CutMix: a box of each image is replaced by that of another."""

from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor, nn

from trainers.core.method import Method
from trainers.parts.losses import mixed_cross_entropy
from trainers.parts.mixing import draw_pairs
from trainers.parts.patches import box


class CutMix(Method):
    """min E[s CE(f(m), y) + (1 - s) CE(f(m), y')], m = x outside a box and x' inside, s the share of pixels
    outside.

    Source: Yun et al. 2019, section 3.1. The box's sides are sqrt(1 - lambda) of the image's, cut to whole
    pixels, its centre is uniform and what sticks out is cut off; one box per batch, with lambda ~
    Beta(alpha, alpha).
    alpha: > 0. probability: how often a batch is cut at all, in [0, 1] (published: 0.5 on CIFAR, 1 on
    ImageNet).

    Example:
        method = CutMix(alpha=1.0, probability=0.5)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        alpha: Annotated[float, Gt(0)] = 1.0,
        probability: Annotated[float, Ge(0), Le(1)] = 0.5,
    ) -> None:
        super().__init__()
        self.alpha, self.probability = alpha, probability

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the mixed cross-entropy of the cut images."""
        height, width = x.shape[2:]
        chosen, order = draw_pairs(len(x), self.alpha, rng)
        applied = torch.rand((), generator=rng, device=x.device) < self.probability
        side = (1 - chosen).sqrt() * applied
        inside = box((side * height).floor().view(1), (side * width).floor().view(1), height, width, rng)
        share = 1 - inside.float().mean()
        return mixed_cross_entropy(model(torch.where(inside, x[order], x)), y, share, order, self.label_smoothing)


METHOD = CutMix
