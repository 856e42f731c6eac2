"""Vanilla training: cross-entropy on the images as they are."""

from torch import Generator, Tensor, nn

from trainers.core.method import Method


class Standard(Method):
    """min E[CE(f(x), y)]: the reference of every table, and the sigma = 0 end of every curve.

    Example:
        method = Standard()
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean cross-entropy."""
        return self.cross_entropy(model(x), y)


METHOD = Standard
