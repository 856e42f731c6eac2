"""Top-1 accuracy of a split."""

from torch import nn

from study.datasets.core.data import Split
from study.evaluation.core.predict import BATCH, accuracies, predict


def accuracy(model: nn.Module, split: Split, batch: int = BATCH) -> float:
    """Returns top-1 accuracy on a split as a fraction. The model's mode is restored."""
    return accuracies(*predict(model, split, batch))["accuracy"]
