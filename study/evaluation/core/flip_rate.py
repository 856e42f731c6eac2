"""How often a prediction flips along a sequence of nearly equal images."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from study.evaluation.core.predict import inference


def flips(predictions: Tensor, against_first: bool) -> Tensor:
    """Returns (N,): the share of predictions (N, F) that differ from the frame before, or from frame 0.

    FP = 1/(F-1) sum_{j>=1} 1(f(x_j) != f(x_{j-1})); for noise, f(x_0) takes the place of f(x_{j-1}), as its
    frames have no order (Hendrycks & Dietterich, 2019).
    """
    before = predictions[:, :1] if against_first else predictions[:, :-1]
    return (predictions[:, 1:] != before).double().mean(1)


def is_noise(perturbation: str) -> bool:
    """Whether a perturbation's frames have no order, so that each is compared with the first."""
    return "noise" in perturbation


def flip_probability(model: nn.Module, sequences: Iterable[Tensor], perturbation: str, batch: int) -> float:
    """Returns the mean over sequences of the share of flips; sequences come as (B, F, C, H, W) in [0, 1].

    At most about `batch` frames pass the model at once.
    """
    shares = []
    with inference(model):
        for frames in sequences:
            count, length = frames.shape[:2]
            parts = torch.split(frames.flatten(0, 1), batch)
            predictions = torch.cat([model(part).argmax(1) for part in parts]).view(count, length)
            shares.append(flips(predictions, is_noise(perturbation)))
        return float(torch.cat(shares).mean())
