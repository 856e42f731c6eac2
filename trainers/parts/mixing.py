"""Mixing pairs of a batch, at the input or between two stages of the network."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from trainers.parts.draws import beta


def draw_pairs(count: int, alpha: float, rng: Generator) -> tuple[Tensor, Tensor]:
    """Returns lambda ~ Beta(alpha, alpha), a scalar tensor, and one permutation of `count` images."""
    return beta(alpha, alpha, (), rng), torch.randperm(count, generator=rng, device=rng.device)


def mix(x: Tensor, weight: Tensor, order: Tensor) -> Tensor:
    """Returns weight * x + (1 - weight) * x[order] (Zhang et al. 2018, eq. 1), within each view.

    x: (V * B, ...), V views one after another; order: (B,), shared by all views; weight: a scalar. Weight 1
    returns x's values.
    """
    views = x.view(-1, len(order), *x.shape[1:])
    return (views * weight + views[:, order] * (1 - weight)).view_as(x)


def through(model: nn.Module, x: Tensor, after: int, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Returns the model's output for x with `change` applied to what stage `after` of `model.stages`
    returns."""
    for index, stage in enumerate(stages_of(model)):
        x = stage(x)
        if index == after:
            x = change(x)
    return x


def stages_of(model: nn.Module) -> nn.ModuleList:
    """Returns the model's stages: its whole network in order, the first of which normalises."""
    stages = model.stages
    assert isinstance(stages, nn.ModuleList), "a model has `stages`, an nn.ModuleList"
    return stages
