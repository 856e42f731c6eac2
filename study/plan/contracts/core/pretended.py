"""A pretended GPU, on a machine that may have none: tensors of a device and a shape, but without values.

What mixes devices, or needs a tensor's value to go on, raises here as it would fail or wait on a real GPU. (torch calls
such tensors fake.) A backward pass needs a real device; `torch.autograd.grad` returns gradients of the right shape.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.autograd.graph import GradientEdge

from study.plan.contracts.core.findings import ContractError

GPU = torch.device("cuda", 0)


class _State:
    """The state of a generator, which torch keeps on the host: real bytes among tensors without values."""

    def numpy(self) -> Any:
        return np.zeros(16, np.uint8)


class PretendedGenerator(torch.Generator):
    """A generator that says that it is the GPU's."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """The pretended GPU."""
        return GPU

    def get_state(self) -> Any:
        """Returns an object whose `numpy` gives bytes, as that of a GPU's generator does."""
        return _State()


@contextmanager
def pretended_gpu(what: str) -> Iterator[PretendedGenerator]:
    """Makes tensors inside pretended ones; yields a generator of the GPU. what: the subject of the error's sentence.

    Tensors are made on the CPU unless `device` says otherwise, as ever: build models and methods within
    `torch.device(GPU)`. Raises ContractError where two devices are mixed or a value is read.
    """
    with (
        FakeTensorMode(),
        torch.backends.cudnn.flags(enabled=False),  # asks the driver
        mock.patch.object(torch.autograd, "grad", _gradients),
        mock.patch.object(Tensor, "backward", lambda *_, **__: None),
        mock.patch.object(nn.utils, "skip_init", _initialised),
    ):
        try:
            yield PretendedGenerator()
        except (DataDependentOutputException, DynamicOutputShapeException) as error:
            raise ContractError(f"{what} reads a tensor's value, for which it waits until the device has computed "
                                f"({error}); compute with tensors of fixed shapes alone") from error  # fmt: skip
        except (RuntimeError, TypeError) as error:
            if "device" not in str(error).lower():
                raise
            reason = " ".join(str(error).split())
            raise ContractError(f"{what} mixes tensors of the GPU and of the CPU: {reason}; make new tensors with "
                                "device=x.device") from error  # fmt: skip


def _gradients(outputs: Any, inputs: Any, *_: Any, **__: Any) -> tuple[Tensor, ...]:  # noqa: ARG001
    """Returns what the gradients would be but for their values."""
    return tuple(_like(each) for each in ([inputs] if isinstance(inputs, Tensor) else inputs))


def _like(place: Tensor | GradientEdge) -> Tensor:
    if isinstance(place, Tensor):
        return torch.empty_like(place)
    about = place.node._input_metadata[place.output_nr]
    return torch.empty(about.shape, dtype=about.dtype, device=about.device)


def _initialised(module: type[nn.Module], *args: Any, **options: Any) -> nn.Module:
    """Stands for `nn.utils.skip_init`, which moves a module from a device of its own."""
    return module(*args, **options)
