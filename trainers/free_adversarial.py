"""Adversarial training "for free": the gradient that trains the weights also strengthens the attack."""

from typing import Annotated, Any

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Generator, Tensor, nn

from trainers.core.method import Batches, Method
from trainers.parts.attack import Linf


class FreeAdversarial(Method):
    """min E[max CE(f(x'), y) over |x' - x| <= epsilon (Linf), x' in [0, 1]], the maximum by one ascent step a
    training step.

    Source: Shafahi et al. 2019, algorithm 1. A batch is replayed `replays` times in a row. Each step trains on
    clip(x + delta, 0, 1), and its one backward pass gives the weights' gradient and the ascent step
    delta <- clip(delta + epsilon * sign(gradient), -epsilon, epsilon). delta, one perturbation an image of a
    batch, starts as 0 and passes from replay to replay and from batch to batch.

    A step costs what a step of vanilla training costs, and so does an epoch: the loop's steps are as many as
    ever, and the batches that come while another is replayed are passed over, so that E epochs show each image
    E / replays times on average (the paper divides its number of epochs). An epoch begins with a new batch.

    epsilon: radius in pixel units of [0, 1], >= 0. replays: >= 1; 1 with epsilon 0 is vanilla training
    (published on CIFAR: epsilon 8/255, 8 replays).
    """

    def __init__(self, *, epsilon: Annotated[float, Ge(0)] = 8 / 255, replays: Annotated[int, Ge(1)] = 8) -> None:
        super().__init__()
        self.epsilon, self.replays = epsilon, replays
        self._delta: Tensor | None = None
        self._left = 0
        """Replays that the held batch has left."""

    def start_epoch(self, epoch: int, model: nn.Module, data: Batches, rng: Generator) -> None:
        """Lets the epoch begin with a new batch."""
        self._left = 0

    def loss(self, model: nn.Module, views: tuple[Tensor, ...], y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean cross-entropy of the held batch, perturbed; its backward pass moves the perturbation."""
        if self._left == 0:
            self._held, self._left = (views[0], y), self.replays
        self._left -= 1
        x, y = self._held
        if self._delta is None or self._delta.shape != x.shape:
            self._delta = torch.zeros_like(x)
        delta = self._delta.detach().requires_grad_()
        delta.register_post_accumulate_grad_hook(self._ascend)  # type: ignore[no-untyped-call]
        return F.cross_entropy(model((x + delta).clamp(0, 1)), y)

    def _ascend(self, delta: Tensor) -> None:
        assert delta.grad is not None, "called after the gradient is there"
        self._delta = Linf(self.epsilon).project(delta.detach() + self.epsilon * delta.grad.sign())

    def get_extra_state(self) -> dict[str, Any]:
        """Returns the perturbation, None before there is one."""
        return {"delta": self._delta}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Continues from such a state, within this method's own epsilon."""
        delta = state["delta"]
        self._delta = None if delta is None else Linf(self.epsilon).project(delta)


METHOD = FreeAdversarial
