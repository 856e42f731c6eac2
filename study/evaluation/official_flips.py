"""Metric: flip probability on perturbation sequences as published, from files on disk."""

from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.evaluation.core.flips import flip_probability
from study.evaluation.core.perturbations import FRAMES
from study.evaluation.core.predict import device_of
from study.evaluation.official.sequences import cifar_p, imagenet_p
from study.evaluation.rows import Row


def measure(
    model: nn.Module,
    data: Data,
    *,
    folder: str,
    layout: Literal["cifar-10-p", "imagenet-p"],
    perturbations: tuple[str, ...] | None = None,
    workers: Annotated[int, Ge(0)] = 4,
    batch: Annotated[int, Ge(1)] = 512,
) -> list[Row]:
    """Returns one flip probability a perturbation and difficulty (in the severity's place); less is steadier.

    The benchmark's name in the rows is the layout. perturbations: names to read, None for the published ones.
    workers: processes that decode videos (which need the package av) or frames. About `batch` frames pass the
    model at once. Layouts and errors: `study.evaluation.official.sequences`.
    """
    device = device_of(model)
    if layout == "cifar-10-p":
        parts = cifar_p(Path(folder), shape=data.shape, device=device, perturbations=perturbations)
    else:
        parts = imagenet_p(Path(folder), shape=data.shape, device=device, perturbations=perturbations, workers=workers)
    return [
        Row(
            layout,
            name,
            difficulty,
            "flip_probability",
            flip_probability(model, sequences.batches(max(batch // FRAMES, 1)), name, batch),
        )
        for name, difficulty, sequences in parts
    ]


METRIC = measure
