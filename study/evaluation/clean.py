"""Accuracy on the test split as it is."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.evaluation.core.predict import BATCH, accuracies, predict
from study.evaluation.rows import Row


def measure(model: nn.Module, data: Data, *, batch: Annotated[int, Ge(1)] = BATCH) -> list[Row]:
    """Returns top-1 accuracy on the test split as a fraction, and top-5 where there are more than 10 classes.

    batch: images a forward pass. The model's mode is restored.
    """
    found = accuracies(*predict(model, data.test, batch))
    return [Row("clean", "clean", 0, metric, value) for metric, value in found.items()]


METRIC = measure
