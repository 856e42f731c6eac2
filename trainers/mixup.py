"""Mixup: pairs of images are mixed, and so are their labels."""

from typing import Annotated

from annotated_types import Gt

from trainers.manifold_mixup import ManifoldMixup


class Mixup(ManifoldMixup):
    """min E[lambda CE(f(m), y) + (1 - lambda) CE(f(m), y')], m = lambda x + (1 - lambda) x'.

    Source: Zhang et al. 2018, eq. 1; manifold mixup at the input. alpha: lambda ~ Beta(alpha, alpha), > 0;
    published: 1 on CIFAR, 0.2 on ImageNet. One lambda per batch.

    Example:
        method = Mixup(alpha=1.0)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(self, *, alpha: Annotated[float, Gt(0)] = 1.0) -> None:
        super().__init__(alpha=alpha, stages=(0,))


METHOD = Mixup
