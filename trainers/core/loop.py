"""The only training loop: fit an epoch, save, restore."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from trainers.core.global_draws import GlobalDraws
from trainers.core.method import Batches, Method, generator

ORDER, DRAWS, DROPOUT = 1, 2, 5
"""Streams of random numbers: batch order and data augmentation; the method's own draws; what layers of the model draw
from torch's global generators. Kept apart, so that every method sees the same batches under the same seed and
comparisons are paired. (Streams 0, 3 and 4 are used by whoever builds the model and evaluates it.)"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How any method is trained.

    lr: learning rate at the start. schedule: "constant", "cosine" (falls to 1e-6) or
    "step" (a tenth from half of the epochs on). momentum, nesterov: for SGD. precision: "bf16" is autocast.
    """

    epochs: Annotated[int, Ge(0)] = 25
    batch_size: Annotated[int, Ge(1)] = 64
    optimizer: Literal["adam", "sgd"] = "adam"
    lr: Annotated[float, Gt(0)] = 1e-3
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    nesterov: bool = True
    weight_decay: Annotated[float, Ge(0)] = 0.0
    schedule: Literal["constant", "cosine", "step"] = "constant"
    precision: Literal["float32", "bf16"] = "float32"

    def lr_factor(self, progress: float) -> float:
        """Returns what the learning rate is multiplied by at `progress` in [0, 1) of all steps."""
        if self.schedule == "cosine":
            floor = min(1.0, 1e-6 / self.lr)
            return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))
        return 0.1 if self.schedule == "step" and progress >= 0.5 else 1.0


class DivergedError(ArithmeticError):
    """The training loss became infinite or not a number."""


class Fit:
    """A model in training by a method: everything that changes from epoch to epoch, and how to store it.

    model and method are changed in place, and must be on `device` already. The method is set up here, on the first
    batch of `data`; so `load_state_dict` replaces whatever that built.
    """

    def __init__(
        self, model: nn.Module, method: Method, data: Batches, recipe: Recipe, *, seed: int, device: torch.device
    ) -> None:
        self.model, self.method, self.data, self.recipe, self.device = model, method, data, recipe, device
        self.epoch = 0
        self.order = generator(device, seed, ORDER)
        self.draws = generator(device, seed, DRAWS)
        self.dropout = GlobalDraws(device, seed, DROPOUT)
        x, _ = next(data.batches(recipe.batch_size))
        method.setup(model, x, self.draws)
        groups: list[dict[str, Any]] = [{"params": list(model.parameters())}, *method.parameter_groups()]
        if recipe.optimizer == "adam":
            self.optimizer: torch.optim.Optimizer = torch.optim.Adam(
                groups, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True
            )
        else:
            nesterov = recipe.nesterov and recipe.momentum > 0
            self.optimizer = torch.optim.SGD(
                groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=nesterov, weight_decay=recipe.weight_decay
            )
        self._options = [{k: v for k, v in g.items() if k != "params"} for g in self.optimizer.param_groups]

    @property
    def done(self) -> bool:
        """Whether all epochs are trained."""
        return self.epoch >= self.recipe.epochs

    def run_epoch(self) -> dict[str, float]:
        """Trains one epoch and returns its metrics: the mean training loss and what the method watches.

        torch's global generators are afterwards as they were before. Raises DivergedError when the loss is no longer
        finite; the state is then worthless.
        """
        with self.dropout.swapped_in():
            self.method.start_epoch(self.epoch, self.model, self.data, self.draws)
            self.model.train()
            self.method.train()
            train_loss = self._train()
        self.epoch += 1
        metrics = {"train_loss": train_loss, **self.method.metrics()}
        values = {name: float(value) for name, value in metrics.items()}
        if not math.isfinite(values["train_loss"]):
            raise DivergedError(f"the training loss became {values['train_loss']} in epoch {self.epoch}")
        return values

    def state_dict(self) -> dict[str, Any]:
        """Returns all that a bit-identical continuation needs, as tensors and plain values (`weights_only` safe)."""
        return {
            **self.weights(),
            "optimizer": self.optimizer.state_dict(),
            "order": self.order.get_state(),
            "draws": self.draws.get_state(),
            "dropout": self.dropout.states,
        }

    def weights(self) -> dict[str, Any]:
        """Returns what is left of `state_dict` when nothing will be trained any more."""
        return {"epoch": self.epoch, "model": self.model.state_dict(), "method": self.method.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from `state`. This object's own hyper-parameters win over those inside the optimiser's state.

        From `weights` it takes what is there; KeyError where epochs are left to train.
        """
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        self.method.load_state_dict(state["method"])
        if self.done and "optimizer" not in state:
            return
        self.optimizer.load_state_dict(state["optimizer"])
        for group, options in zip(self.optimizer.param_groups, self._options, strict=True):
            group.update(options)
        self.order.set_state(state["order"].cpu())
        self.draws.set_state(state["draws"].cpu())
        self.dropout.states = [each.cpu() for each in state["dropout"]]

    def _train(self) -> Tensor:
        """Takes the steps of an epoch and returns their mean loss."""
        steps = max(1, len(self.data) // self.recipe.batch_size)
        total = torch.zeros((), device=self.device)
        for step, (x, y) in enumerate(self.data.batches(self.recipe.batch_size, self.order)):
            self._set_lr((self.epoch + step / steps) / self.recipe.epochs)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
                loss = self.method.loss(self.model, x, y, self.draws)
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            total += loss.detach()
        return total / steps

    def _set_lr(self, progress: float) -> None:
        factor = self.recipe.lr_factor(progress)
        for group, options in zip(self.optimizer.param_groups, self._options, strict=True):
            group["lr"] = options["lr"] * factor
