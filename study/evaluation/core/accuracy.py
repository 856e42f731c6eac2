"""Counting correct predictions, shared by the accuracy metrics."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from study.datasets.core.data import Split
from study.evaluation.core.predict import evaluating


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


def accuracy(model: nn.Module, split: Split, batch: int = 1024) -> float:
    """Returns top-1 accuracy on a split as a fraction. The model's mode is restored."""
    with evaluating(model):
        return int(correct(model, split.batches(batch), (1,))) / len(split)
