"""How any method is trained: optimiser, learning rate, what a step does to gradients and weights."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Lt
from torch import nn

CODES = 64
"""Most versions of a stage's code that are compiled: stages of one class share it, for training and for evaluation."""
COSINE_END = 1e-6
"""The learning rate at which a cosine schedule ends."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The options of training that belong to no method. Each that is None or 0 by default is off.

    optimizer: "adam", "adamw" (Loshchilov and Hutter 2019: the weights decay apart from the gradient) or "sgd".
    lr: the highest learning rate. momentum, nesterov: for SGD. weight_decay: of all parameters.
    schedule: "constant", "cosine" (falls to 1e-6), "linear" (falls to 0) or "step" (a tenth from half of the steps on).
    warmup_ratio: the share of all steps in which the rate first rises linearly to `lr`; the schedule covers the rest.
    max_grad_norm: the model's gradient is scaled down to this L2 norm where it is longer.
    label_smoothing: the share s of a label that all K classes share: (1 - s) CE(y) + s/K sum_k CE(k) (Szegedy et al.
    2016); for the labels that a method trains on, never in an attack.
    ema_decay: the model that is measured is the exponential average of the weights (`trainers.core.average.Average`).
    precision: "bf16" is autocast, in training and in evaluation.
    compile: a mode of torch.compile for the stages of the model; for long trials on a GPU, since compiling takes
    minutes. Measure it there first: on an H100 it made steps of a ResNet-18 on images of 32 px no quicker.
    """

    epochs: Annotated[int, Ge(0)] = 25
    batch_size: Annotated[int, Ge(1)] = 64
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    lr: Annotated[float, Gt(0)] = 1e-3
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    nesterov: bool = True
    weight_decay: Annotated[float, Ge(0)] = 0.0
    schedule: Literal["constant", "cosine", "linear", "step"] = "constant"
    warmup_ratio: Annotated[float, Ge(0), Lt(1)] = 0.0
    max_grad_norm: Annotated[float, Gt(0)] | None = None
    label_smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0
    ema_decay: Annotated[float, Gt(0), Lt(1)] | None = None
    precision: Literal["float32", "bf16"] = "float32"
    compile: Literal["default", "reduce-overhead", "max-autotune"] | None = None

    def lr_factor(self, progress: float, step: float = 0.0) -> float:
        """Returns what the learning rate is multiplied by at `progress` in [0, 1) of all steps.

        step: the share of all steps that one step is; a warm-up begins with it, not with a rate of 0.
        """
        if progress < self.warmup_ratio:
            return min(1.0, (progress + step) / self.warmup_ratio)
        after = (progress - self.warmup_ratio) / (1 - self.warmup_ratio)
        if self.schedule == "cosine":
            floor = min(1.0, COSINE_END / self.lr)
            return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * after))
        if self.schedule == "linear":
            return 1 - after
        return 0.1 if self.schedule == "step" and progress >= 0.5 else 1.0

    def new_optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Returns the optimiser of these groups of parameters; an option that a group names itself wins."""
        options: dict[str, Any] = {"lr": self.lr, "weight_decay": self.weight_decay, "fused": True}
        if self.optimizer == "sgd":
            nesterov = self.nesterov and self.momentum > 0
            return torch.optim.SGD(groups, momentum=self.momentum, nesterov=nesterov, **options)
        kind = torch.optim.AdamW if self.optimizer == "adamw" else torch.optim.Adam
        return kind(groups, **options)

    def prepare(self, model: nn.Module) -> None:
        """Has the model's stages compiled at their first call, where `compile` says so; changes the model in place.

        The stages rather than the model: methods that change features between stages call them one by one.
        """
        if self.compile is not None:
            # What earlier models of this process compiled counts against the limit beyond which nothing is compiled.
            torch.compiler.reset()
            torch._dynamo.config.recompile_limit = CODES
            for stage in model.stages:  # type: ignore[union-attr]
                stage.compile(mode=self.compile)
