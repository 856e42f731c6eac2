"""What a model is to the platform: normalisation first, then stages that can be entered from outside."""

import math

import torch
from torch import Generator, Tensor, nn

from study.errors import UserError


class Normalise(nn.Module):
    """(x - mean) / std; by default (x - 1/2) / (1/2), the same for every dataset: sigma means one thing.

    mean, std: one value, or one per channel. A grey image becomes one with as many channels as there are
    values.
    """

    def __init__(self, mean: tuple[float, ...] = (0.5,), std: tuple[float, ...] = (0.5,)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)
        self.mean: Tensor
        self.std: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Returns x (B, C, H, W) normalised, as a new tensor."""
        return (x - self.mean) / self.std


class Classifier(nn.Module):
    """A classifier of images in [0, 1]: the composition of `stages`, the first of which normalises.

    A method may enter between any two stages (feature mixing does), so `stages` is the whole network, in
    order.
    """

    def __init__(self, *stages: nn.Module, normalise: Normalise | None = None) -> None:
        super().__init__()
        self.stages = nn.ModuleList([normalise or Normalise(), *stages])

    def forward(self, x: Tensor) -> Tensor:
        """Returns logits (B, classes) of images x (B, C, H, W) in [0, 1]."""
        for stage in self.stages:
            x = stage(x)
        return x

    def initialise(self, rng: Generator) -> None:
        """Draws the model's start from `rng`, in place. A model that comes with weights overrides this."""
        self.start_without_file(rng)

    def start_without_file(self, rng: Generator) -> None:
        """Draws all of the model from `rng`, in place, whatever weights it came with."""
        initialise(self, rng)


def last_linear(network: nn.Module) -> tuple[str, nn.Linear] | None:
    """Returns the network's last linear layer and its name: the head, whose rows are classes. None if it has none."""
    layers = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    return layers[-1] if layers else None


@torch.no_grad()
def initialise(model: nn.Module, rng: Generator) -> None:
    """Sets every parameter and statistic of a network anew, in place, drawing from `rng` alone.

    Weights and biases of convolutions and linear layers are uniform in +-1/sqrt(fan_in), torch's own default
    rule; normalisations start as identities. torch's
    constructors draw from the global generator; this is how a start depends on the trial's seed and on
    nothing else. Raises UserError where a layer of another kind has parameters of its own.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for parameter in module.parameters(recurse=False):
                parameter.uniform_(-bound, bound, generator=rng)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
            module.reset_parameters()
        elif own := [key for key, _ in module.named_parameters(recurse=False)]:
            raise UserError(
                f"{type(model).__name__} has {name}.{own[0]}, whose start is unknown; known are convolutions,"
                " linear layers and normalisations, so this network needs its weights from a file"
            )
