"""Adversarial training "for free": the gradient that trains the weights also strengthens the attack."""

from typing import Annotated, Any

import torch
from annotated_types import Ge
from torch import Generator, Tensor, nn

from trainers.core.method import Batch, Batches, Method
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

    Example:
        method = FreeAdversarial(epsilon=8 / 255, replays=8)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(self, *, epsilon: Annotated[float, Ge(0)] = 8 / 255, replays: Annotated[int, Ge(1)] = 8) -> None:
        super().__init__()
        self.epsilon, self.replays = epsilon, replays
        self._queue: list[Batch] = []
        """The batch that is being replayed, once for each replay that it has left."""

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Starts with a perturbation of 0, one for each image of a batch like x."""
        self.delta = torch.zeros_like(x)

    def start_epoch(self, epoch: int, model: nn.Module, data: Batches, rng: Generator) -> None:
        """Lets the epoch begin with a new batch."""
        self._queue = []

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean cross-entropy of the replayed batch, perturbed; its backward pass moves the perturbation.

        x and y are that batch when the one before has had all its replays; else they are passed over.
        """
        if not self._queue:
            self._queue = [(x, y)] * self.replays
        x, y = self._queue.pop()
        delta = self.delta.detach().requires_grad_()
        delta.register_post_accumulate_grad_hook(self._ascend)  # type: ignore[no-untyped-call]
        return self.cross_entropy(model((x + delta).clamp(0, 1)), y)

    def _ascend(self, delta: Tensor) -> None:
        assert delta.grad is not None, "called after the gradient is there"
        self.delta = Linf(self.epsilon).project(delta.detach() + self.epsilon * delta.grad.sign())

    def get_extra_state(self) -> dict[str, Any]:
        """Returns the perturbation."""
        return {"delta": self.delta}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Continues from such a state, within this method's own epsilon; from 0 if it is of another batch size."""
        delta = state["delta"].to(self.delta.device)
        same = delta.shape == self.delta.shape
        self.delta = Linf(self.epsilon).project(delta) if same else torch.zeros_like(self.delta)


METHOD = FreeAdversarial
