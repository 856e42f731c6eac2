"""The only training loop: fit an epoch, save, restore."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from trainers.core.average import Average
from trainers.core.global_draws import GlobalDraws
from trainers.core.method import Batches, Method, generator
from trainers.core.recipe import Recipe

ORDER, DRAWS, DROPOUT = 1, 2, 5
"""Streams of random numbers: batch order and data augmentation; the method's own draws; what layers of the model draw
from torch's global generators. Kept apart, so that every method sees the same batches under the same seed and
comparisons are paired. (Streams 0, 3 and 4 are used by whoever builds the model and evaluates it.)"""


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
        method.label_smoothing = recipe.label_smoothing
        recipe.prepare(model)
        self.average = None if recipe.ema_decay is None else Average(model, recipe.ema_decay)
        groups: list[dict[str, Any]] = [{"params": list(model.parameters())}, *method.parameter_groups()]
        self.optimizer = recipe.new_optimizer(groups)
        self._options = [{k: v for k, v in g.items() if k != "params"} for g in self.optimizer.param_groups]

    @property
    def done(self) -> bool:
        """Whether all epochs are trained."""
        return self.epoch >= self.recipe.epochs

    @property
    def measured_model(self) -> nn.Module:
        """The model that is measured: the average of the weights where the recipe has one, else the trained model."""
        return self.model if self.average is None else self.average.model

    def autocast(self) -> torch.autocast:
        """Returns the context in which the model computes, in training and in evaluation: the recipe's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")

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
        average = {} if self.average is None else {"average": self.average.state_dict()}
        return {
            **self.weights(),
            "model": self.model.state_dict(),
            **average,
            "optimizer": self.optimizer.state_dict(),
            "order": self.order.get_state(),
            "draws": self.draws.get_state(),
            "dropout": self.dropout.states,
        }

    def weights(self) -> dict[str, Any]:
        """Returns what is left of `state_dict` when nothing will be trained any more: the measured model's weights."""
        return {"epoch": self.epoch, "model": self.measured_model.state_dict(), "method": self.method.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from `state`. This object's own hyper-parameters win over those inside the optimiser's state.

        From `weights` it takes what is there; KeyError where epochs are left to train.
        """
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        self.method.load_state_dict(state["method"])
        if self.average is not None:
            self.average.load_state_dict(state.get("average", {"model": state["model"], "steps": 0}))
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
            self._set_lr((self.epoch + step / steps) / self.recipe.epochs, 1 / (steps * self.recipe.epochs))
            with self.autocast():
                loss = self.method.loss(self.model, x, y, self.draws)
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            if self.recipe.max_grad_norm is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.max_grad_norm)
            self.optimizer.step()
            if self.average is not None:
                self.average.update()
            total += loss.detach()
        return total / steps

    def _set_lr(self, progress: float, step: float) -> None:
        factor = self.recipe.lr_factor(progress, step)
        for group, options in zip(self.optimizer.param_groups, self._options, strict=True):
            group["lr"] = options["lr"] * factor
