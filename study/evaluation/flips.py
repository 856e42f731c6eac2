"""Metric: flip probability on perturbation sequences made from the test split."""

import zlib
from collections.abc import Iterator
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.core.flips import flip_probability
from study.evaluation.core.perturbations import FRAMES, PERTURBATIONS
from study.evaluation.core.predict import device_of
from study.evaluation.rows import Row


def measure(
    model: nn.Module,
    data: Data,
    *,
    perturbations: tuple[str, ...] = tuple(PERTURBATIONS),
    every: Annotated[int, Ge(1)] = 1,
    seed: Annotated[int, Ge(0)] = 0,
    batch: Annotated[int, Ge(31)] = 512,
) -> list[Row]:
    """Returns one flip probability a perturbation, benchmark "sequences"; less is steadier.

    A sequence of 16 to 41 frames is made from every `every`-th test image
    (`study.evaluation.core.perturbations`), and about `batch` frames pass the model at once. Noise depends on
    perturbation, seed, batch and device alone. UserError for an unknown perturbation.
    """
    for name in perturbations:
        if name not in PERTURBATIONS:
            raise UserError(f"flips has no perturbation {name!r}. It has: {', '.join(PERTURBATIONS)}.")

    def sequences(name: str) -> Iterator[Tensor]:
        rng = torch.Generator(device_of(model)).manual_seed(zlib.crc32(f"{name} {seed}".encode()))
        start = 0
        for x, _ in data.test.batches(batch):
            chosen = x[-start % every :: every]  # image number 0, every, 2 every, ... of the whole split
            for first in range(0, len(chosen), batch // FRAMES):
                yield PERTURBATIONS[name](chosen[first : first + batch // FRAMES], rng)
            start += len(x)

    return [
        Row("sequences", name, 1, "flip_probability", flip_probability(model, sequences(name), name, batch))
        for name in perturbations
    ]


METRIC = measure
