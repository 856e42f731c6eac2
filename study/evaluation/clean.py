"""Accuracy on the test split as it is."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.evaluation.core.predict import BATCH, accuracy_rows, predict
from study.evaluation.rows import Row


def measure(model: nn.Module, data: Data, *, batch: Annotated[int, Ge(1)] = BATCH) -> list[Row]:
    """Returns accuracy on the test split as it is.

    Rows: benchmark "clean", corruption "clean", severity 0; metric "accuracy" (top-1) and, where there are more than 10
    classes, "top5". Both are fractions of the images, in [0, 1].

    batch: images a forward pass. The model's mode is restored. Raises UserError where an image file cannot be read.

    Example:
        >>> [row] = measure(model, data)
        >>> row
        Row(benchmark='clean', corruption='clean', severity=0, metric='accuracy', value=0...)
    """
    return accuracy_rows("clean", "clean", 0, *predict(model, data.test, batch))


METRIC = measure
