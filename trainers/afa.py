"""AFA: plane waves added to the images, normalised by statistics of their own."""

import math
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Generator, Tensor, nn

from trainers.core.method import Method
from trainers.parts.auxiliary_norm import AuxiliaryNorm
from trainers.parts.losses import jensen_shannon

ANGLES = 448
"""Directions of a wave."""


class Afa(Method):
    """min E[(CE(f(x), y) + CE(f_aux(x_w), y)) / 2 (+ weight * JSD(f(x), f(x), f_aux(x_w)))], x_w = clip(x + e wave).

    Source: Vaish, Wang and Strisciuglio 2024, "Fourier-basis Functions to Bridge Augmentation Gap: Rethinking Frequency
    Augmentation in Image Classification", and its authors' code. A wave, of each image and channel, is
    sin(2 pi (k / S) (X cos t + Y sin t) - pi / 4) with k uniform in 1 to S, t = -pi u, u one of 448 values in [0, 1],
    X and Y from -S/2 to S/2, scaled to an L2 norm of S / 32; e ~ Exponential(mean `strength`). f_aux is the model with
    batch normalisations of its own for the waves (`trainers.parts.auxiliary_norm`), which testing leaves out; a model
    without any is f itself. Images are square, or S is the height and the wave as long in rows as in columns.

    strength: mean of e, > 0; published 10 for ImageNet, for CIFAR it is not. weight: of the JSD, >= 0 (published for
    CIFAR-10: 10), here of clean and wave; None leaves it out.

    Example:
        method = Afa(strength=10.0)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self, *, strength: Annotated[float, Gt(0)] = 10.0, weight: Annotated[float, Ge(0)] | None = None
    ) -> None:
        super().__init__()
        self.strength, self.weight = strength, weight
        self.auxiliary: AuxiliaryNorm

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Copies the model's batch normalisations."""
        self.auxiliary = AuxiliaryNorm(model)

    def parameter_groups(self) -> list[dict[str, object]]:
        """Returns the scales and shifts of the second normalisations."""
        return [{"params": list(self.auxiliary.parameters())}]

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the loss of the clean images and of those with waves."""
        uniform = torch.rand((*x.shape[:2], 1, 1), generator=rng, device=x.device)
        strength = -self.strength * (1 - uniform).log()
        waves = (plane_waves(x.shape, rng) * strength).to(x.dtype)
        clean, waved = model(x), self.auxiliary(model, (x + waves).clamp(0, 1))
        loss = (self.cross_entropy(clean, y) + self.cross_entropy(waved, y)) / 2
        return loss if self.weight is None else loss + self.weight * jensen_shannon((clean, waved))


def plane_waves(shape: tuple[int, ...] | torch.Size, rng: Generator) -> Tensor:
    """Returns a plane wave for each image and channel of the shape (N, C, H, W), as `Afa` says, of L2 norm H / 32."""
    n, channels, height, width = shape
    device = rng.device
    k = torch.randint(1, height + 1, (n, channels, 1, 1), generator=rng, device=device)
    angle = torch.randint(ANGLES, (n, channels, 1, 1), generator=rng, device=device) * (-math.pi / (ANGLES - 1))
    columns = torch.linspace(-width / 2, width / 2, width, device=device)
    rows = torch.linspace(-height / 2, height / 2, height, device=device)[:, None]
    place = columns * angle.cos() + rows * angle.sin()
    wave = (2 * math.pi * k / height * place - math.pi / 4).sin()
    length: Tensor = wave.flatten(2).norm(dim=2).clamp(min=1e-12)[..., None, None]
    return wave * (height / 32) / length


METHOD = Afa
