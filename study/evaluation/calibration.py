"""Metric: calibration on the clean test split."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.evaluation.core import calibration
from study.evaluation.core.predict import confidences, predict
from study.evaluation.rows import Row


def measure(
    model: nn.Module,
    data: Data,
    *,
    bin_size: Annotated[int, Ge(1)] = 100,
    bins: Annotated[int, Ge(1)] = 15,
    batch: Annotated[int, Ge(1)] = 512,
) -> list[Row]:
    """Returns the RMS calibration error (adaptive bins of `bin_size`), the ECE (`bins` equal bins) and AURRA.

    Equations and sources: `study.evaluation.core.calibration`. All are fractions; of the errors less is
    better, of AURRA more.
    """
    probability, right = confidences(*predict(model, data.test, batch))
    confidence, correct = probability.double().cpu().numpy(), right.cpu().numpy()
    values = {
        "rms_calibration_error": calibration.rms_calibration_error(confidence, correct, bin_size),
        "expected_calibration_error": calibration.expected_calibration_error(confidence, correct, bins),
        "aurra": calibration.aurra(confidence, correct),
    }
    return [Row("clean", "clean", 0, name, value) for name, value in values.items()]


METRIC = measure
