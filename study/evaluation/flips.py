"""Metric: flip probability on perturbation sequences made from the test split."""

import zlib
from collections.abc import Iterator
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.core.flip_rate import flip_probability
from study.evaluation.core.perturbations import PERTURBATIONS
from study.evaluation.core.predict import device_of
from study.evaluation.core.sequence_levels import FRAMES
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
    """Returns how often predictions flip along sequences of nearly equal images, for each perturbation.

    Rows: benchmark "sequences", the perturbation as corruption, severity 1; metric "flip_probability", the share of
    frames whose prediction differs from that of the frame before (of the first frame for noise), in [0, 1]. Less is
    steadier. Source: Hendrycks & Dietterich 2019; equation in `study.evaluation.core.flip_rate`.

    perturbations: keys of `PERTURBATIONS`. every: a sequence of 16 to 41 frames is made from each `every`-th test image
    (`study.evaluation.core.perturbations`). batch: about as many frames pass the model at once. seed: of noise and
    snow, which depend on perturbation, seed, batch and device alone. The model's mode is restored.
    Raises UserError for an unknown perturbation.

    Example:
        >>> [row] = measure(model, data, perturbations=("rotate",), every=10)
        >>> row
        Row(benchmark='sequences', corruption='rotate', severity=1, metric='flip_probability', value=0...)
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
