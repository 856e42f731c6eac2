"""Weights as others save them: a state dictionary, wrapped or not, with or without the prefixes of wrappers."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from study.errors import UserError

WRAPPERS = ("fit", "state_dict", "model_state_dict", "model", "net", "weights")
"""Keys under which training code puts the state dictionary. "fit", and "model" in it, are of a trial's checkpoint."""
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
"""What DataParallel, torch.compile and classes that hold a network put before each name."""
UNREADABLE = (RuntimeError, EOFError, LookupError, TypeError, AttributeError, OSError, ValueError, UnpicklingError)


def read_state(path: Path, names: set[str], what: str) -> tuple[dict[str, Tensor], str]:
    """Returns the state dictionary of a file, and what was taken off it to get there: "" or "state_dict, module.".

    Nothing that the file may ask for is run. names: of the network's own state; a prefix that they have stays.
    what: the network's name, for messages. Raises UserError for a file that cannot be read, or holds none.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} holds no weights of {what}: {reason}") from error
    removed = []
    while (key := _wrapper(state)) is not None:
        state = state[key]
        removed.append(key)
    if not isinstance(state, Mapping) or not any(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{path} holds no weights of {what}: it holds {_described(state)}, no state dictionary")
    while prefix := _prefix(state, names):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
        removed.append(prefix)
    return dict(state), ", ".join(removed)


def load_into(network: nn.Module, path: Path, what: str) -> str:
    """Loads a file's weights into a network, in place; returns what was taken off the file, see `read_state`.

    what: the network's name, for messages. Raises UserError where names or shapes differ, with all of them, and where
    weights are no finite numbers.
    """
    own = network.state_dict()
    state, removed = read_state(path, set(own), what)
    if wrong := differences(own, state):
        raise UserError(f"{path} holds no weights of {what}: {wrong}")
    require_finite(path, state)
    network.load_state_dict(state)
    return removed


def require_finite(path: Path, state: Mapping[str, Any]) -> None:
    """Raises UserError where weights are not numbers, or infinite: whatever a network of them says means nothing."""
    wrong = [
        name
        for name, value in state.items()
        if isinstance(value, Tensor) and value.is_floating_point() and not bool(value.isfinite().all())
    ]
    if wrong:
        raise UserError(f"{path} holds weights that are no finite numbers (nan or inf): {', '.join(wrong)}")


def _wrapper(state: Any) -> str | None:
    """Returns the key under which a dictionary holds another that may be the state dictionary."""
    if not isinstance(state, Mapping):
        return None
    return next((key for key in WRAPPERS if isinstance(state.get(key), Mapping)), None)


def _prefix(state: Mapping[str, Any], names: set[str]) -> str | None:
    """Returns the prefix of all names that the network's own do not have."""
    if any(name in names for name in state):
        return None
    return next((each for each in PREFIXES if all(name.startswith(each) for name in state)), None)


def differences(own: Mapping[str, Tensor], state: Mapping[str, Any]) -> str:
    """Returns in what a state is not the network's: names on either side, shapes. "" where it is."""
    missing = [name for name in own if name not in state]
    unknown = [name for name in state if name not in own]
    shapes = [
        f"{name} {tuple(getattr(state[name], 'shape', ()))} instead of {tuple(value.shape)}"
        for name, value in own.items()
        if name in state and getattr(state[name], "shape", None) != value.shape
    ]
    parts = {"missing": missing, "unknown": unknown, "of another shape": shapes}
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)


def _described(state: Any) -> str:
    if isinstance(state, Mapping):
        return f"a dictionary with the keys {', '.join(map(str, state)) or 'none'}"
    return f"an object of type {type(state).__name__}"
