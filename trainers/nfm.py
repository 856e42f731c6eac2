"""Noisy feature mixup (NFM): manifold mixup with noise injections."""

from typing import Annotated

from annotated_types import Ge, Gt, Lt

from trainers.noisymix import Mix, Noise, NoisyMix, Stages


class NFM(NoisyMix):
    """Manifold mixup, and at the same stage h <- (1 + multiplicative b_2 (2U - 1)) h + additive b_1 n, b_1,
    b_2 ~ Beta(2, 5).

    Source: Lim et al. 2022. alpha: lambda ~ Beta(alpha, alpha), > 0. additive, multiplicative: noise levels,
    >= 0; published 0.4 and 0.2 (NoisyMix's ablation has 0.5 and 0.5). sparse: share of elements without
    noise. stages: where to enter.

    Example:
        method = NFM(additive=0.4, multiplicative=0.2)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        alpha: Annotated[float, Gt(0)] = 1.0,
        additive: Annotated[float, Ge(0)] = 0.4,
        multiplicative: Annotated[float, Ge(0)] = 0.2,
        sparse: Annotated[float, Ge(0), Lt(1)] = 0.0,
        stages: Stages = (0, 1, 2, 3),
    ) -> None:
        noise = Noise(additive=additive, multiplicative=multiplicative, sparse=sparse)
        super().__init__(augment=None, mix=Mix(alpha=alpha), noise=noise, consistency=None, stages=stages)


METHOD = NFM
