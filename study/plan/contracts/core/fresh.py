"""Small real things to check others with: the digits, a small network, and comparison bit for bit."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from study.datasets.core.data import Data, TensorSplit
from study.models.core.classifier import initialise
from study.models.small_cnn import SmallCNN
from study.plan.contracts.core.findings import ContractError
from study.registry.lookup import find
from trainers.core.loop import Fit
from trainers.core.method import Method, generator
from trainers.core.recipe import Recipe

CPU = torch.device("cpu")


@contextmanager
def one_thread() -> Iterator[None]:
    """Gives torch one thread inside: on two images several wait for one another longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def digits() -> Data:
    """Returns the embedded dataset. Never written to."""
    loaded: Data = find("dataset", "digits")(device=CPU)
    return loaded


def batch(size: int) -> tuple[Tensor, Tensor]:
    """Returns the first training images and labels of the digits, which may be written."""
    x, y = next(digits().train.batches(size))
    return x.clone(), y.clone()


def first(split: Any, count: int) -> TensorSplit:
    """Returns the first `count` images of a split that lives on the device."""
    return TensorSplit(split.images[:count], split.labels[:count])


def small_cnn(seed: int = 0) -> SmallCNN:
    """Returns a fresh small network for the digits; the seed decides its start."""
    model = SmallCNN(shape=(1, 8, 8), classes=10)
    initialise(model, generator(CPU, seed, 0))
    return model


def new_fit(method: Method, *, data: Any = None, seed: int = 0, model: nn.Module | None = None, **recipe: Any) -> Fit:
    """Returns a fit of a fresh small network on (some of) the digits."""
    data = digits().train if data is None else data
    return Fit(model or small_cnn(seed), method, data, Recipe(**recipe), seed=seed, device=CPU)


def reloaded(state: Any) -> Any:
    """Returns what comes back of a state from a file, read as untrusted files are. Raises ContractError."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    try:
        return torch.load(buffer, weights_only=True)
    except UnpicklingError as error:
        raise ContractError(
            "its state_dict holds an object that cannot be read back safely; tensors, numbers, texts, lists and "
            "dictionaries are right"
        ) from error


def same(a: Any, b: Any) -> bool:
    """Whether two nested values are equal bit for bit: nan equals nan, 0.0 is not -0.0, types count."""
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return (
            isinstance(a, Tensor) and isinstance(b, Tensor)
            and a.dtype == b.dtype and a.shape == b.shape
            and _bytes(a) == _bytes(b)
        )  # fmt: skip
    if isinstance(a, Mapping):
        return isinstance(b, Mapping) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return isinstance(b, float) and a.hex() == b.hex()
    return type(a) is type(b) and bool(a == b)


def _bytes(tensor: Tensor) -> bytes:
    return bytes(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
