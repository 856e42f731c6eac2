"""Vanilla training that fails on demand: code of a user's own, beside a study's file."""

import ctypes
from typing import Annotated, Literal

import gates
import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Generator, Tensor, nn

from trainers.core.method import Batches, Method


class Faulty(Method):
    """In the middle of the epoch `at` it does what `fault` says: waits at the gate `name`, or fails while it is shut.

    Equation: the cross-entropy, but for "diverge", whose loss is nan.
    """

    def __init__(
        self,
        *,
        fault: Literal["none", "wait", "diverge", "mistake", "memory", "hang"] = "wait",
        name: str = "go",
        at: Annotated[int, Ge(0)] = 1,
    ) -> None:
        super().__init__()
        self.fault, self.name, self.at = fault, name, at
        self.step = -1

    def start_epoch(self, epoch: int, model: nn.Module, data: Batches, rng: Generator) -> None:
        """Notes whether this is the epoch."""
        self.step = 0 if epoch == self.at else -1

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the cross-entropy."""
        loss = F.cross_entropy(model(x), y)
        if self.step >= 0:
            self.step += 1
        return self._fail(loss) if self.step == 5 and self.fault != "none" else loss

    def _fail(self, loss: Tensor) -> Tensor:
        if self.fault == "wait":
            gates.wait(self.name)
        elif not gates.is_open(self.name):
            if self.fault == "diverge":
                return loss * float("nan")
            if self.fault == "mistake":
                raise ValueError("a mistake\nof two lines, at http://me:s3cret@host/")
            if self.fault == "memory":
                torch.empty(2**50)
            ctypes.PyDLL(None).pause()  # a call that never returns, and keeps the interpreter's lock
        return loss


METHOD = Faulty
