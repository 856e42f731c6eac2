"""The contract of a training method's state: what a trial is continued from, and what a population hands on."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from study.errors import UserError
from study.plan.contracts.core.findings import ContractError, Entry, named, require
from study.plan.contracts.core.fresh import CPU, batch, digits, first, new_fit, reloaded, same, small_cnn
from study.registry import signature
from trainers.core.loop import Fit
from trainers.core.method import generator

SIZE = 32
"""Images of a batch here."""


def state_returns(entry: Entry) -> None:
    """A fresh method takes over a stored state, in which no hyper-parameter is."""
    fit = _fit(entry, 96)
    fit.run_epoch()
    state = fit.method.state_dict()
    stored = {part for key in state for part in (key, key.rsplit(".", 1)[-1])}
    for name in signature.options_of(entry.target).keys() & stored:
        raise ContractError(f"state_dict holds {name}, a hyper-parameter; make it a plain value or persistent=False")
    fresh = ready(entry, SIZE)
    fresh.load_state_dict(reloaded(state))
    require(same(fresh.state_dict(), state), "a fresh method is another after load_state_dict; all of it should return")


def hyper_parameters_win(entry: Entry) -> None:
    """After a state of other hyper-parameters is loaded, the method's own are in force: a population relies on it."""
    state = _trained(entry, "adam")
    for optimizer, momentum in (("adam", 0.9), ("sgd", 0.3)):
        mine = _fit(entry, 96, epochs=3, optimizer=optimizer, lr=0.07, momentum=momentum, weight_decay=0.01)
        before = _options(mine.optimizer)
        mine.load_state_dict(_trained(entry, optimizer))
        require(_options(mine.optimizer) == before, "a loaded state brings its own options of the optimiser along")
        require(mine.optimizer.param_groups[0]["lr"] == 0.07, "its parameter_groups() changes the model's lr")
    for changes in _changes(entry):
        setting = ", ".join(f"{name} = {value}" for name, value in changes.items())
        method, usual = ready(entry.changed(**changes), SIZE), ready(entry, SIZE)
        configured = _configuration(method)
        buffers = _stored_buffers(usual)
        for key, buffer in _stored_buffers(method).items():
            as_usual = buffer.shape != buffers[key].shape or same(buffer, buffers[key])
            require(as_usual, f"state_dict holds {key}, which {setting} decides; register it with persistent=False")
        try:
            method.load_state_dict(state["method"])
        except RuntimeError as error:  # the parameter decides the state's shape, so no such state can be taken over
            expected = "size mismatch" in str(error) or "key(s) in state_dict" in str(error)
            require(expected, f"with {setting} load_state_dict fails: {' '.join(str(error).split())}")
            continue
        require(same(_configuration(method), configured), f"load_state_dict overwrites {setting} by the state's value")


def resumes(entry: Entry) -> None:
    """A fit that is stored and continued ends where one in a single piece does, bit for bit."""
    whole = _fit(entry, 160, epochs=3)
    metrics, states = [], []
    for _ in range(3):
        metrics.append(whole.run_epoch())
        states.append(copy.deepcopy(whole.state_dict()))
    for done in (1, 2):
        resumed = _fit(entry, 160, epochs=3)
        resumed.load_state_dict(reloaded(states[done - 1]))
        for epoch in range(done, 3):
            require(same(resumed.run_epoch(), metrics[epoch]),
                    f"continued after epoch {done}, epoch {epoch + 1} has other numbers than in one piece; all that "
                    "the next steps depend on should be in state_dict")  # fmt: skip
        require(same(resumed.state_dict(), states[-1]), f"continued after epoch {done}, the end is another state")


def ready(entry: Entry, size: int) -> Any:
    """Returns a method that is set up for the small network and batches of so many digits."""
    method = entry.build()
    method.setup(small_cnn(), batch(size)[0], generator(CPU, 9))
    return method


def _fit(entry: Entry, images: int, *, epochs: int = 2, **recipe: Any) -> Fit:
    data = first(digits().train, images)
    return new_fit(entry.build(), data=data, epochs=epochs, batch_size=SIZE, **recipe)


def _trained(entry: Entry, optimizer: str) -> Any:
    """Returns the state of a fit after one epoch of two, as it comes from a file."""
    fit = _fit(entry, 96, optimizer=optimizer)
    fit.run_epoch()
    return reloaded(fit.state_dict())


def _options(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """Returns the options of an optimiser's groups, without what they hold for."""
    return [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]


def _changes(entry: Entry) -> list[dict[str, Any]]:
    """Returns one change of each numeric parameter to another valid value."""
    listed = []
    for name, default in signature.options_of(entry.target).items():
        if not isinstance(default, int | float) or isinstance(default, bool):
            continue
        for value in (default * 2, default / 2, default + 1, 0.25, 2):
            change = {name: type(default)(value)}
            try:
                entry.changed(**change).build()
            except (UserError, ValueError):  # out of range, alone or together with the other defaults
                continue
            if change[name] != default:
                listed.append(change)
                break
    return listed


def _stored_buffers(method: nn.Module) -> dict[str, Tensor]:
    return {key: buffer for key, buffer in method.named_buffers() if key in method.state_dict()}


def _configuration(method: nn.Module) -> dict[str, Any]:
    """Returns all that configures a method: plain values, buffers that are not stored, its own optimisers' options."""
    listed: dict[str, Any] = {}
    for path, module in method.named_modules():
        for key, value in vars(module).items():
            if isinstance(value, int | float | str | bool | tuple) and not key.startswith("_"):
                listed[f"{path}.{key}"] = value
            if isinstance(value, torch.optim.Optimizer):
                listed[f"{path}.{key}"] = _options(value)
        for key, buffer in module.named_buffers(recurse=False):
            if key in module._non_persistent_buffers_set:
                listed[f"{path}.{key}"] = buffer.clone() if buffer is not None else None
    listed.pop(".training", None)
    return listed


CHECKS = named(state_returns, hyper_parameters_win, resumes)
