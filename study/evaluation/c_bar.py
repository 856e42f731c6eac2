"""Accuracy on the test split under corruptions that resemble none of the common ones: C-bar (Mintun et al. 2021)."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.evaluation import corruption
from study.evaluation.core.predict import BATCH
from study.evaluation.corruptions.catalog import SEVERITIES
from study.evaluation.rows import Row

LARGE = 128
"""Pixels of the shorter side from which ImageNet-C-bar's ten corruptions are taken, below them CIFAR-10-C-bar's."""


def measure(
    model: nn.Module,
    data: Data,
    *,
    seed: int = 0,
    severities: tuple[int, ...] = SEVERITIES,
    batch: Annotated[int, Ge(1)] = BATCH,
) -> list[Row]:
    """Returns accuracy on the test split under each of C-bar's ten corruptions, at each severity.

    Rows: as those of `corruption`, with benchmark "c_bar", or "c_bar_large" where the shorter side has 128 pixels or
    more. The ten were chosen to be as far as possible from the 15 of C, at levels where a standard network errs as
    often as on those: a gain on C that is none on C-bar was a gain on what resembles the training images.

    seed: of the corruptions' draws, not of the trial. severities: of 1 to 5. batch: images a forward pass. The model's
    mode is restored. Raises UserError for an unknown severity.

    Example:
        >>> rows = measure(model, data, severities=(3,))
        >>> rows[0]
        Row(benchmark='c_bar', corruption='blue_noise_sample', severity=3, metric='accuracy', value=0...)
    """
    benchmark = "c_bar_large" if min(data.shape[1:]) >= LARGE else "c_bar"
    return corruption.measure(model, data, benchmark=benchmark, seed=seed, severities=severities, batch=batch)


METRIC = measure
