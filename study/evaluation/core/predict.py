"""What a model says about a split: one pass, in evaluation mode, no waiting between batches."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from study.datasets.core.data import Split
from study.evaluation.rows import Correct, Row
from trainers.parts.modes import evaluating

BATCH = 256
"""Images a forward pass: activations that stay in a core's cache make it twice as fast as 1,024."""


@contextmanager
def inference(model: nn.Module) -> Iterator[None]:
    """Evaluation and inference mode inside; afterwards each module has its own mode back."""
    with evaluating(model), torch.inference_mode():
        yield


def device_of(model: nn.Module) -> torch.device:
    """Returns where the model's first parameter or buffer lies; the CPU for a model without either."""
    tensor = next(model.parameters(), next(model.buffers(), None))
    return torch.device("cpu") if tensor is None else tensor.device


def front(split: Split, images: int | None, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields the first `images` images of a split and their labels (None: all), in order, at most `batch` at a time."""
    left = len(split) if images is None else min(images, len(split))
    for x, y in split.batches(min(batch, left)):
        yield x[:left], y[:left]
        left -= len(x)
        if left <= 0:
            return


def predict(model: nn.Module, split: Split, batch: int = BATCH) -> tuple[Tensor, Tensor]:
    """Returns the logits (N, classes) and labels (N,) of every image of the split, in order.

    The logits are float32 also where the model computes in bf16. The labels come with the logits because a streamed
    split knows them only once it is read.
    """
    with inference(model):
        pairs = [(model(x).float(), y) for x, y in split.batches(batch)]
        return torch.cat([logits for logits, _ in pairs]), torch.cat([y for _, y in pairs])


def hits(logits: Tensor, labels: Tensor, k: int = 1) -> Tensor:
    """Returns (N,) bool: whether the label is among the k largest logits."""
    return (logits.topk(k, dim=1).indices == labels[:, None]).any(1)


def named_ranks(classes: int) -> dict[str, int]:
    """Returns the accuracies that are reported: top-1, and top-5 where there are more than 10 classes."""
    return {"accuracy": 1} | ({"top5": 5} if classes > 10 else {})


def accuracies(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Returns the share of hits for each of `named_ranks`."""
    ranks = named_ranks(logits.shape[1])
    shares = torch.stack([hits(logits, labels, k).double().mean() for k in ranks.values()])
    return dict(zip(ranks, shares.tolist(), strict=True))


def accuracy_rows(benchmark: str, corruption: str, severity: int, logits: Tensor, labels: Tensor) -> list[Row]:
    """Returns the row of each of `accuracies`; that of the top-1 accuracy says which images are correct."""
    top = hits(logits, labels)
    correct = Correct(len(labels), np.packbits(top.cpu().numpy()).tobytes())
    return [
        Row(benchmark, corruption, severity, metric, value, correct if metric == "accuracy" else None)
        for metric, value in accuracies(logits, labels).items()
    ]


def accuracy(model: nn.Module, split: Split, batch: int = BATCH) -> float:
    """Returns top-1 accuracy on a split as a fraction. The model's mode is restored."""
    return accuracies(*predict(model, split, batch))["accuracy"]


def confidences(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the probability (N,) of the predicted class, and whether it is right (N,) bool."""
    probability, predicted = logits.float().softmax(1).max(1)
    return probability, predicted == labels
