"""Accuracy on the test split under every corruption and severity of a benchmark."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.evaluation.core.corrupted import corrupted_splits, known_benchmark
from study.evaluation.core.predict import BATCH, accuracy_rows, predict
from study.evaluation.corruptions.catalog import SEVERITIES
from study.evaluation.rows import Row


def measure(
    model: nn.Module,
    data: Data,
    *,
    benchmark: str | None = None,
    seed: int = 0,
    severities: tuple[int, ...] = SEVERITIES,
    batch: Annotated[int, Ge(1)] = BATCH,
) -> list[Row]:
    """Returns accuracy on the test split under each corruption, at each severity.

    Rows: the benchmark's name, the corruption, severity 1 to 5; metric "accuracy" (top-1) and, where there are more
    than 10 classes, "top5". Both are fractions of the images, in [0, 1].

    benchmark: a key of `BENCHMARKS`; None takes `benchmark_for` the images' shape. seed: of the corruptions'
    draws, not of the trial: the test images are the same for every trial. severities: of 1 to 5. batch: images a
    forward pass. The model's mode is restored. Raises UserError for an unknown benchmark or severity.

    Example:
        >>> rows = measure(model, data, benchmark="extra", severities=(1, 5))
        >>> rows[1]
        Row(benchmark='extra', corruption='speckle_noise', severity=5, metric='accuracy', value=0...)
    """
    benchmark = known_benchmark(benchmark, data, "corruption")
    return [
        row
        for name, severity, split in corrupted_splits(data, benchmark, severities, seed)
        for row in accuracy_rows(benchmark, name, severity, *predict(model, split, batch))
    ]


METRIC = measure
