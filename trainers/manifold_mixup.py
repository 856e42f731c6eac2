"""Manifold mixup: pairs are mixed at a random depth of the network."""

from typing import Annotated

from annotated_types import Gt

from trainers.noisymix import Mix, NoisyMix, Stages


class ManifoldMixup(NoisyMix):
    """min E[CE of f entered at stage k with lambda h + (1 - lambda) h'], the labels mixed alike.

    Source: Verma et al. 2019, section 2. alpha: lambda ~ Beta(alpha, alpha), > 0; published: 2.
    stages: k is uniform over them; 0 is the input (published for residual networks: 0, 1, 2; NoisyMix's
    table: 0 to 3).

    Example:
        method = ManifoldMixup(alpha=2.0, stages=(0, 1, 2))
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(self, *, alpha: Annotated[float, Gt(0)] = 2.0, stages: Stages = (0, 1, 2)) -> None:
        super().__init__(augment=None, mix=Mix(alpha=alpha), noise=None, consistency=None, stages=stages)


METHOD = ManifoldMixup
