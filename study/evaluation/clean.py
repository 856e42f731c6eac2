"""Accuracy on the test split as it is."""

from torch import nn

from study.datasets.core.data import Data
from study.evaluation.core.accuracy import correct, evaluating, named_ranks
from study.evaluation.rows import Row


def measure(model: nn.Module, data: Data, *, batch: int = 1024) -> list[Row]:
    """Returns top-1 accuracy on the test split as a fraction, and top-5 where there are more than 10 classes.

    batch: images a forward pass. The model's mode is restored.
    """
    ranks = named_ranks(data.classes)
    with evaluating(model):
        counts = correct(model, data.test.batches(batch), tuple(ranks.values())).tolist()
    total = len(data.test)
    return [Row("clean", "clean", 0, metric, n / total) for metric, n in zip(ranks, counts, strict=True)]


METRIC = measure
