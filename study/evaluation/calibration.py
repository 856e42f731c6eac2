"""Metric: calibration on the clean test split, and under corruption."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data, Split
from study.evaluation.core import calibration
from study.evaluation.core.calibration import Bools, Floats
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
    """Returns the RMS calibration error (adaptive bins of `bin_size`), the ECE (`bins` equal bins) and AURRA.

    Equations and sources: `study.evaluation.core.calibration`. All are fractions; of the errors less is
    better, of AURRA more. They are of the clean test split. Beside them the rows of `RELIABILITY`: the mean confidence,
    the accuracy and the share of the predictions of each of the `bins` equal bins that has any.

    severities: at which to fill the bins under the corruptions of a benchmark too; all its corruptions together, so
    that each counts the same. None leaves them out. benchmark, seed: as the metric `corruption` takes them. The model's
    mode is restored. Raises UserError for an unknown benchmark or severity.
    """
    confidence, correct = _told(model, data.test, batch)
    values = {
        "rms_calibration_error": calibration.rms_calibration_error(confidence, correct, bin_size),
        "expected_calibration_error": calibration.expected_calibration_error(confidence, correct, bins),
        "aurra": calibration.aurra(confidence, correct),
    }
    rows = [Row("clean", "clean", 0, name, value) for name, value in values.items()]
    rows += _bins(0, confidence, correct, bins)
    if severities is not None:
        together: dict[int, list[tuple[Floats, Bools]]] = defaultdict(list)
        for _, severity, split in corrupted_splits(
            data, known_benchmark(benchmark, data, "calibration"), severities, seed
        ):
            together[severity].append(_told(model, split, batch))
        for severity, told in together.items():
            rows += _bins(severity, np.concatenate([c for c, _ in told]), np.concatenate([r for _, r in told]), bins)
    return rows


def _told(model: nn.Module, split: Split, batch: int) -> tuple[Floats, Bools]:
    """Returns the confidence of each prediction, and whether it is right."""
    probability, right = confidences(*predict(model, split, batch))
    return probability.double().cpu().numpy(), right.cpu().numpy()


def _bins(severity: int, confidence: Floats, correct: Bools, bins: int) -> Iterator[Row]:
    for found in calibration.reliability(confidence, correct, bins):
        where = (RELIABILITY, f"bin {found.number + 1}", severity)
        yield Row(*where, "bin_confidence", found.confidence)
        yield Row(*where, "bin_accuracy", found.accuracy)
        yield Row(*where, "bin_share", found.share)


METRIC = measure
