"""Adversarial training: on the worst images that projected gradient ascent finds near those of the batch."""

from typing import Annotated

import torch.nn.functional as F
from annotated_types import Ge, Gt
from torch import Generator, Tensor, nn

from trainers.core.method import Method
from trainers.parts.attack import BALLS, Norm, pgd
from trainers.parts.modes import evaluating


class Adversarial(Method):
    """min E[max CE(f(x'), y) over x' within epsilon of x and in [0, 1]].

    Source: Madry et al. 2018, eq. 2.1; the inner maximum by `steps` of projected gradient ascent from one
    random start. While attacking, the model is in evaluation mode: running averages then see only the images
    it is trained on. Each module's mode is restored.
    epsilon: radius in pixel units of [0, 1], >= 0; 0 is vanilla training. norm: "linf" or "l2", of the whole
    image.
    steps: >= 1. step: length of a step as a share of epsilon, > 0 (published on CIFAR: epsilon 8/255, 7
    steps of 2/255).

    Example:
        method = Adversarial(epsilon=8 / 255, steps=7)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        epsilon: Annotated[float, Ge(0)] = 8 / 255,
        norm: Norm = "linf",
        steps: Annotated[int, Ge(1)] = 7,
        step: Annotated[float, Gt(0)] = 0.25,
    ) -> None:
        super().__init__()
        self.epsilon, self.norm, self.steps, self.step = epsilon, norm, steps, step

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean cross-entropy of the attacked images."""
        ball = BALLS[self.norm](self.epsilon)
        with evaluating(model):
            attacked = pgd(
                lambda at: F.cross_entropy(model(at), y, reduction="sum"),
                x,
                (x + ball.start(x, rng)).clamp(0, 1),
                ball,
                [self.step * self.epsilon] * self.steps,
            )
        return self.cross_entropy(model(attacked), y)


METHOD = Adversarial
