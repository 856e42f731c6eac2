"""The same random draws on every device, so that numbers of a GPU and of a CPU can be compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map


class HostGenerator(torch.Generator):
    """A CPU's generator that says that it is the GPU's: `SharedDraws` has its draws made on the CPU."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """The GPU whose generator it stands for."""
        return torch.device("cuda", 0)


class SharedDraws(TorchFunctionMode):
    """Draws from a `HostGenerator` on the CPU and moves them to the device that was asked for."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Calls the function; where it draws, on copies of its tensors on the CPU."""
        kwargs = dict(kwargs or {})
        if not isinstance(kwargs.get("generator"), HostGenerator):
            return func(*args, **kwargs)
        if "device" in kwargs:
            device, kwargs["device"] = kwargs["device"], "cpu"
            return func(*args, **kwargs).to(device)
        drawn = func(*tree_map(_to_cpu, args), **kwargs)
        if func.__name__.endswith("_"):  # in place
            return args[0].copy_(drawn)
        return drawn.to(args[0].device)


@contextmanager
def shared_draws() -> Iterator[None]:
    """Inside, generators of a GPU draw what generators of the CPU draw from the same seed."""
    genuine = torch.Generator

    class Generator(genuine):  # type: ignore[misc,valid-type]
        """The device's own on the CPU, and one that stands for the GPU's there."""

        def __new__(cls, device: Any = "cpu") -> torch.Generator:
            return HostGenerator() if torch.device(device).type == "cuda" else genuine(device)

    with mock.patch.object(torch, "Generator", Generator), SharedDraws():
        yield


def _to_cpu(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) else value
