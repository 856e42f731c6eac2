"""The base of methods that change the images of a batch and nothing else."""

from abc import abstractmethod

from torch import Generator, Tensor, nn

from trainers.core.method import Method


class Augmentation(Method):
    """min E[CE(f(views(x)), y)]. A subclass defines `views`, and is complete.

    The constructor raises TypeError for a class that does not define `views`.
    """

    @abstractmethod
    def views(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns what the model sees in place of the images x (B, C, H, W): a batch like it in [0, 1].

        x is not written, and all draws come from `rng`.
        """

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean cross-entropy of the changed images."""
        return self.cross_entropy(model(self.views(x, rng)), y)
