"""What a model is to the platform: normalisation first, then stages that can be entered from outside."""

import math

import torch
from torch import Generator, Tensor, nn


class Normalise(nn.Module):
    """(x - 1/2) / (1/2): images from [0, 1] to [-1, 1], the same for every dataset, so that sigma means one thing."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns a new tensor of x's shape."""
        return x * 2 - 1


class Classifier(nn.Module):
    """A classifier of images in [0, 1]: the composition of `stages`, the first of which normalises.

    A method may enter between any two stages (feature mixing does), so `stages` is the whole network, in order.
    """

    def __init__(self, *stages: nn.Module) -> None:
        super().__init__()
        self.stages = nn.ModuleList([Normalise(), *stages])

    def forward(self, x: Tensor) -> Tensor:
        """Returns logits (B, classes) of images x (B, C, H, W) in [0, 1]."""
        for stage in self.stages:
            x = stage(x)
        return x


@torch.no_grad()
def initialise(model: nn.Module, rng: Generator) -> None:
    """Draws every convolution's and linear layer's parameters anew from `rng`, by torch's own default rule.

    Weights and biases are uniform in +-1/sqrt(fan_in). torch's constructors draw from the global generator; this is
    how a model's start depends on its trial's seed and on nothing else. Changes the model in place.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for parameter in module.parameters(recurse=False):
                parameter.uniform_(-bound, bound, generator=rng)
