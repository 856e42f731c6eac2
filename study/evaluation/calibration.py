"""Metric: calibration on the clean test split, and under corruption."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data, Split
from study.evaluation.core.calibration_errors import (
    Bools,
    Floats,
    aurra,
    expected_calibration_error,
    reliability,
    rms_calibration_error,
)
from study.evaluation.core.corrupted import corrupted_splits, known_benchmark
from study.evaluation.core.predict import confidences, predict
from study.evaluation.rows import Row

RELIABILITY = "reliability"
"""Benchmark of the reliability diagram's rows: corruption "bin 7" is the seventh bin; severity 0 is clean, any other
all corruptions at it together."""


def measure(
    model: nn.Module,
    data: Data,
    *,
    bin_size: Annotated[int, Ge(1)] = 100,
    bins: Annotated[int, Ge(1)] = 15,
    severities: tuple[int, ...] | None = None,
    benchmark: str | None = None,
    seed: int = 0,
    batch: Annotated[int, Ge(1)] = 512,
) -> list[Row]:
    """Returns two calibration errors and AURRA on the clean test split, and the bins of reliability diagrams.

    Rows: benchmark "clean", corruption "clean", severity 0; metrics "rms_calibration_error" (adaptive bins of
    `bin_size` predictions), "expected_calibration_error" (`bins` equal bins) and "aurra", the area under accuracy
    against response rate. All are fractions in [0, 1]; of the errors less is better, of AURRA more. Equations and
    sources: `study.evaluation.core.calibration_errors`.
    Rows of a diagram, for each of the equal bins that holds a prediction: benchmark "reliability", corruption "bin J"
    (J from 1), severity 0 for clean images and else that of all corruptions together; metrics "bin_confidence" and
    "bin_accuracy" (means) and "bin_share" (of all predictions).

    severities: at which to fill the bins under the corruptions of a benchmark too; all its corruptions together, so
    that each counts the same. None leaves them out. benchmark, seed: as the metric `corruption` takes them. batch:
    images a forward pass. The model's mode is restored. Raises UserError for an unknown benchmark or severity.

    Example:
        >>> rows = measure(model, data, bins=10)
        >>> rows[1]
        Row(benchmark='clean', corruption='clean', severity=0, metric='expected_calibration_error', value=0...)
    """
    confidence, correct = _predictions(model, data.test, batch)
    values = {
        "rms_calibration_error": rms_calibration_error(confidence, correct, bin_size),
        "expected_calibration_error": expected_calibration_error(confidence, correct, bins),
        "aurra": aurra(confidence, correct),
    }
    rows = [Row("clean", "clean", 0, name, value) for name, value in values.items()]
    rows += _bins(0, confidence, correct, bins)
    if severities is not None:
        together: dict[int, list[tuple[Floats, Bools]]] = defaultdict(list)
        for _, severity, split in corrupted_splits(
            data, known_benchmark(benchmark, data, "calibration"), severities, seed
        ):
            together[severity].append(_predictions(model, split, batch))
        for severity, parts in together.items():
            rows += _bins(severity, np.concatenate([c for c, _ in parts]), np.concatenate([r for _, r in parts]), bins)
    return rows


def _predictions(model: nn.Module, split: Split, batch: int) -> tuple[Floats, Bools]:
    """Returns the confidence of each prediction, and whether it is right."""
    probability, right = confidences(*predict(model, split, batch))
    return probability.double().cpu().numpy(), right.cpu().numpy()


def _bins(severity: int, confidence: Floats, correct: Bools, bins: int) -> Iterator[Row]:
    for part in reliability(confidence, correct, bins):
        where = (RELIABILITY, f"bin {part.number + 1}", severity)
        yield Row(*where, "bin_confidence", part.confidence)
        yield Row(*where, "bin_accuracy", part.accuracy)
        yield Row(*where, "bin_share", part.share)


METRIC = measure
