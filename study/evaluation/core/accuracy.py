"""Counting correct predictions, shared by the accuracy metrics."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from study.datasets.core.data import Split


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients inside; the model's previous mode afterwards."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def correct(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], ranks: tuple[int, ...]) -> Tensor:
    """Returns how many images have their label among the k most likely classes, for each k of `ranks`:
    (len(ranks),).

    batches: images (B, C, H, W) in [0, 1] and labels (B,). The counts (int64) stay on the device: nothing
    waits for it.
    """
    totals = []
    for x, y in batches:
        ranked = model(x).topk(max(ranks), 1).indices == y[:, None]
        totals.append(torch.stack([ranked[:, :k].sum() for k in ranks]))
    return torch.stack(totals).sum(0)


def named_ranks(classes: int) -> dict[str, int]:
    """Returns the accuracies that are reported: top-1, and top-5 where there are more than 10 classes."""
    return {"accuracy": 1} | ({"top5": 5} if classes > 10 else {})


def accuracy(model: nn.Module, split: Split, batch: int = 1024) -> float:
    """Returns top-1 accuracy on a split as a fraction. The model's mode is restored."""
    with evaluating(model):
        return int(correct(model, split.batches(batch), (1,))) / len(split)
