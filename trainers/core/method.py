"""The contract of a training method.

A method says what is minimised on a batch (`loss`), and builds what it needs for that beforehand (`setup`). Its
keyword-only constructor is its configuration: every argument is annotated with its type and range, and nothing else
configures it. A method that only changes images derives from `trainers.core.augmentation.Augmentation`.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Protocol

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Generator, Tensor, nn

Batch = tuple[Tensor, Tensor]
Share = Annotated[float, Ge(0), Le(1)]
"""A share of a batch: `round(share * B)` images."""
Sigma = Annotated[float, Ge(0), Le(10)]
"""A standard deviation of training noise, in pixel units of [0, 1]."""


class Batches(Protocol):
    """A split of a dataset, as the training loop sees it."""

    def __len__(self) -> int:
        """Number of images."""

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[Batch]:
        """Yields (images (B, C, H, W) float in [0, 1], labels (B,) int64) on the training device.

        With `rng`: a fresh permutation, augmented as the dataset prescribes, only full batches.
        Without: every image once, in order, unchanged.
        """


class Method(nn.Module):
    """Base of all training methods. `trainers.core.loop.Fit` calls `setup` once, then `loss` once a step.

    Rules every method keeps (tests/contracts proves them for each method of this folder):
    - `loss` never writes its inputs, draws only from the generator it gets, and does not wait for the device (no
      `.item()`, no branch on a tensor's value);
    - what depends on the model or on the images' shape is built by `setup`, not by the first step;
    - hyper-parameters are not in `state_dict()`: buffers made from them are `persistent=False`.

    - the cross-entropy with the labels is `self.cross_entropy`, which smooths labels where the recipe says so.

    The constructor raises TypeError for a class that does not define `loss`.
    """

    label_smoothing: float = 0.0
    """The recipe's, in [0, 1); set by whoever trains."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("loss", "views"):
            if getattr(getattr(type(self), name, None), "__isabstractmethod__", False):
                raise TypeError(
                    f"{type(self).__name__} does not define {name}: a training method defines loss(model, x, y, rng);"
                    " one that only changes images derives from trainers.core.augmentation.Augmentation and defines"
                    " views(x, rng)"
                )

    @staticmethod
    def memory_format(model: nn.Module) -> torch.memory_format:  # noqa: ARG004
        """Returns the order of memory of the model's weights in which this method's steps are quickest."""
        return torch.channels_last

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:
        """Builds what depends on the model or the images, once, before the first step; changes the method alone.

        The optimiser is built afterwards, and a stored state is loaded afterwards and then replaces all that was built.
        model: on the training device. x: training images of the shape that each step's will have, (B, C, H, W) in
        [0, 1]. rng: the method's own stream. Raises ValueError for a model or images that the method cannot take.
        """

    @abstractmethod
    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the scalar to minimise over the model's parameters.

        model: in training mode. x: a batch of images (B, C, H, W) in [0, 1], as the dataset gives them. y: their labels
        (B,), int64. rng: the method's own stream, from which all its draws come.
        """

    def cross_entropy(self, logits: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
        """Returns the cross-entropy of logits (B, classes) with labels y (B,), smoothed by the recipe's share.

        reduction: "mean", a scalar, or "none", (B,). For the loss that the model minimises; attacks use the plain one.
        """
        return F.cross_entropy(logits, y, reduction=reduction, label_smoothing=self.label_smoothing)

    def start_epoch(self, epoch: int, model: nn.Module, data: Batches, rng: Generator) -> None:
        """Called before each epoch (counted from 0). A method with a second player trains or stores it here."""

    def parameter_groups(self) -> list[dict[str, object]]:
        """Returns parameters of the method's own that the loop trains beside the model's, with their options."""
        return []

    def metrics(self) -> dict[str, Tensor]:
        """Returns scalars worth watching after an epoch (a learned sigma, say); read once an epoch."""
        return {}

    def record(self, x: Tensor, rng: Generator) -> dict[str, Tensor]:
        """Returns what the trained method shows of itself in figures: name -> (rows, columns), some thousand numbers.

        x (B, C, H, W): a few test images to show it on. Called once, after training; nothing is selected by it.
        """
        return {}


def share_of(share: float, x: Tensor) -> int:
    """Returns how many images a share of the batch x is: round(share * B)."""
    return round(share * x.shape[0])


def generator(device: torch.device, *seeds: int) -> Generator:
    """Returns a generator on the device, seeded by the numbers; other numbers, an unrelated stream.

    The numbers (each in [0, 2**32)) are folded by splitmix64, so that pairs do not collide as sums would.
    """
    state = 0
    for seed in seeds:
        state = (state + seed + 0x9E3779B97F4A7C15) % 2**64
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % 2**64
        state ^= state >> 31
    return torch.Generator(device).manual_seed(state % 2**63)
