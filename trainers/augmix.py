"""AugMix: diverse augmentations and consistent predictions."""

from typing import Annotated

from annotated_types import Ge, Gt, Le

from trainers.noisymix import Augment, Consistency, NoisyMix


class AugMix(NoisyMix):
    """min E[CE(f(x), y) + weight * JSD(f(x), f(x_1), f(x_2))], x_1 and x_2 augmented
    (`trainers.parts.augment.augmix`).

    Source: Hendrycks et al. 2020, eq. 2. width: chains. depth: operators in a chain, None for 1 to 3.
    severity: upper end of the level, in [0.1, 10]. alpha: of the Dirichlet and the Beta, > 0. weight: of the
    JSD, >= 0; None: cross-entropy of one augmented view.

    Example:
        method = AugMix(width=3, severity=3.0, weight=12.0)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        width: Annotated[int, Ge(1)] = 3,
        depth: Annotated[int, Ge(1)] | None = None,
        severity: Annotated[float, Ge(0.1), Le(10)] = 3.0,
        alpha: Annotated[float, Gt(0)] = 1.0,
        weight: Annotated[float, Ge(0)] | None = 12.0,
    ) -> None:
        super().__init__(
            augment=Augment(width=width, depth=depth, severity=severity, alpha=alpha),
            mix=None,
            noise=None,
            consistency=None if weight is None else Consistency(weight=weight),
        )


METHOD = AugMix
