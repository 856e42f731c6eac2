"""Vanilla training that fails on demand."""

import ctypes
import os
import time
from pathlib import Path
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Generator, Tensor, nn

from trainers.core.method import Batches, Method


def gate(name: str) -> None:
    """Says in the folder of gates that this process has come, and waits there for the gate to be opened."""
    folder = Path(os.environ["FAULTS"])
    if not (folder / name).exists():
        (folder / f"{name}.{os.getpid()}").touch()
    while not (folder / name).exists():
        time.sleep(0.01)


class Faulty(Method):
    """In the middle of the epoch `at` it does what `fault` says: waits at a gate, or fails while it is closed."""

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
            gate(self.name)
        elif not (Path(os.environ["FAULTS"]) / self.name).exists():
            if self.fault == "diverge":
                return loss * float("nan")
            if self.fault == "mistake":
                raise ValueError("a mistake\nof two lines, at http://me:s3cret@host/")
            if self.fault == "memory":
                torch.empty(2**50)
            ctypes.PyDLL(None).pause()  # a call that never returns, and keeps the interpreter's lock
        return loss


METHOD = Faulty
