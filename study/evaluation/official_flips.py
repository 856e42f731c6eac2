"""Metric: flip probability on perturbation sequences as published, from files on disk."""

from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.evaluation.core.flip_rate import flip_probability
from study.evaluation.core.predict import device_of
from study.evaluation.core.sequence_levels import FRAMES
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
    """Returns how often predictions flip along published sequences, for each perturbation and difficulty.

    Rows: the layout as benchmark, the perturbation as corruption, the difficulty (1 to 3) as severity; metric
    "flip_probability" as in the metric `flips`, a fraction in [0, 1]. Less is steadier.

    folder, layout: where the files are, and how they lie there (`study.evaluation.official.sequences`).
    perturbations: names to read, None for the published ones. workers: processes that decode videos (which need the
    package av) or frames. batch: about as many frames pass the model at once. The model's mode is restored.
    Raises UserError for files that are missing, cut, or of another shape than the model's images.

    Example:
        >>> [row] = measure(model, data, folder="CIFAR-10-P", layout="cifar-10-p", perturbations=("rotate",))
        >>> row
        Row(benchmark='cifar-10-p', corruption='rotate', severity=1, metric='flip_probability', value=0...)
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
