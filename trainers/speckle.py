"""Speckle noise training, the baseline that ImageNet-C's held-out corruption suggests."""

from trainers.core.method import Share, Sigma
from trainers.gnt import GNT, Sigmas
from trainers.parts.noise import speckle


class Speckle(GNT):
    """min E[CE(f(clip(x + x * sigma * n)), y)], n ~ N(0, I), on all but a clean share of each batch.

    Source: Rusak et al. 2020, section 4 (baseline); the levels are ImageNet-C's own.
    sigma: noise std relative to the pixel, >= 0; a set of values means one drawn uniformly per image.
    p_clean: share of each batch that stays clean, in [0, 1].

    Example:
        method = Speckle(sigma=0.6)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    add_noise = staticmethod(speckle)

    def __init__(self, *, sigma: Sigma | Sigmas = (0.15, 0.2, 0.35, 0.45, 0.6), p_clean: Share = 0.5) -> None:
        super().__init__(sigma=sigma, p_clean=p_clean)


METHOD = Speckle
