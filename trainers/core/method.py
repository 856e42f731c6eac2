"""The contract of a training method.

A method says what a batch looks like (`views`) and what is minimised (`loss`). Its keyword-only constructor is
its configuration: every argument is annotated with its type and range, and nothing else configures it.
"""

from collections.abc import Iterator
from typing import Annotated, Protocol

import torch
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
    """Base of all training methods; as it stands it changes nothing about a batch.

    Rules every method keeps (tests/contracts proves them for each file of this folder):
    - `views` and `loss` never write their inputs and draw only from the generator they are given;
    - neither waits for the device (no `.item()`, no branch on a tensor's value);
    - hyper-parameters are not in `state_dict()`: buffers made from them are `persistent=False`.
    """

    @staticmethod
    def memory_format(model: nn.Module) -> torch.memory_format:  # noqa: ARG004
        """Returns the order of memory of the model's weights in which this method's steps are quickest."""
        return torch.channels_last

    def views(self, x: Tensor, rng: Generator) -> tuple[Tensor, ...]:
        """Returns what the model is shown for the images x (B, C, H, W) in [0, 1]: one or more such batches."""
        return (x,)

    def loss(self, model: nn.Module, views: tuple[Tensor, ...], y: Tensor, rng: Generator) -> Tensor:
        """Returns the scalar to minimise over the model's parameters; y (B,) are the labels."""
        raise NotImplementedError

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
