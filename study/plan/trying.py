"""Small tries of what a study names, before anything is started: what would fail in a worker fails here, in one line.

Each costs a moment: one training step a method on two images, one measurement a metric on two images.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.core.space import Study
from study.datasets.core.data import Data, Split, TensorSplit
from study.errors import UserError
from study.evaluation.rows import Row
from study.ledger.trial import Trial, short
from study.plan.contracts.core.findings import ContractError, Entry, checks, inspected, require, require_type
from study.plan.contracts.core.fresh import CPU, one_thread
from study.registry import signature
from study.registry.lookup import FOLDERS, find
from study.registry.sources import one_line
from trainers.core.method import generator

SETTINGS, SEEDS = 8, 3
"""Of a study, in the made-up tables that its own reports are tried on."""


class _ReachedError(Exception):
    """A metric of files of its own has opened them, and begins to measure."""


def forms(study: Study) -> None:
    """Raises UserError where the user's own code is not of the form that its kind has."""
    for kind, name in _named(study):
        if "@" in name:
            form = next(iter(checks(kind).values()))
            try:
                with one_line(f"{short(name)}: ", name):
                    form(Entry(short(name), find(kind, name)))
            except ContractError as error:
                raise UserError(f"{FOLDERS[kind][1]} of {short(name)}: {error}") from error


def steps(trials: Iterable[Trial], data: Data) -> None:
    """Takes one training step by each method of the trials, on a fresh model and two training images.

    Raises UserError that names method and arm where one fails, or where the loss is no finite number with gradients.
    """
    distinct = {trial.method: trial for trial in reversed(list(trials))}
    x, y = next(data.train.batches(2, generator(CPU, 0)))
    for trial in distinct.values():
        what = f"{short(trial.method)}, of the arm {trial.arm!r}, cannot train {short(trial.model)}: "
        # Constructors and layers such as dropout draw from the global generator.
        names = (trial.method, trial.model, trial.data)
        with one_line(what, *names, ours=(ValueError,)), torch.random.fork_rng([]), one_thread():
            try:
                _step(trial, data, x, y)
            except ContractError as error:
                raise UserError(f"{what}{error}") from error


def measurements(trial: Trial, data: Data) -> list[Row]:
    """Returns what the trial's metrics measure on a fresh model and two images of validation data.

    Metrics of files of their own open these, and stop there. Raises UserError that names the metric where one fails.
    """
    few, rows = _few(data), []
    for name, options in trial.evaluate.items():
        what = f"{short(name)} cannot measure {short(trial.model)} on {short(trial.data)}: "
        with one_line(what, name, trial.model, trial.data), torch.random.fork_rng([]), one_thread():
            model = _model(trial, data)
            if name in trial.folders:
                model.register_forward_pre_hook(_reached)
            try:
                measured = signature.build(find("metric", name), options, model=model, data=few)
            except _ReachedError:
                continue
            right = isinstance(measured, list) and all(isinstance(row, Row) for row in measured)
            require(right, f"{short(name)} returns no list of study.evaluation.rows.Row")
            rows += measured
    return rows


def reports(study: Study, settings: Sequence[Trial], measured: Sequence[Row]) -> None:
    """Makes the user's own reports of made-up tables of these settings, which have rows like those measured too.

    Raises UserError that names the report where one fails.
    """
    trials = [trial.with_seed(seed) for seed in range(SEEDS) for trial in settings[:SETTINGS]]
    for name in study.reports:
        if "@" in name:
            entry = Entry(short(name), find("report", name), source=name, trials=trials, measured=measured)
            wrong, _ = inspected("report", entry)
            if wrong:
                raise UserError(f"the report {short(name)}: {wrong[0]}")


def _named(study: Study) -> Iterator[tuple[str, str]]:
    """Yields (kind, name) of all that a study names."""
    yield from (("method", arm.method) for arm in study.arms)
    yield from (("metric", name) for name in study.evaluate)
    yield from (("report", name) for name in study.reports)
    yield from (("dataset", study.data), ("model", study.model))


def _step(trial: Trial, data: Data, x: Tensor, y: Tensor) -> None:
    """Computes a loss and its gradients. Raises ContractError where it is no finite number or has no gradients."""
    model, draws = _model(trial, data), generator(CPU, trial.seed)
    method = signature.build(find("method", trial.method), trial.params)
    model.to(memory_format=method.memory_format(model))
    method.setup(model, x, draws)
    smoothing = trial.recipe["label_smoothing"]
    if smoothing:
        _require_smoothing(model, method, x, y, smoothing)
    loss = _loss(method.train(), model.train(), x, y, draws)
    require_type(loss, Tensor, "loss returned an object", "a tensor of one number")
    require(loss.shape == (), f"loss returned the shape {tuple(loss.shape)}; one number, of shape (), is right")
    require(bool(loss.isfinite()), f"loss is {loss.item()} on two images; a finite number is right")
    require(loss.requires_grad, "loss has no gradient; it should depend on the model's output, without no_grad")
    loss.backward()
    require(any(p.grad is not None for p in model.parameters()), "loss gives the model's parameters no gradient")


def _require_smoothing(model: nn.Module, method: Any, x: Tensor, y: Tensor, smoothing: float) -> None:
    """Raises ContractError where the loss is the same, under equal draws, with smoothed labels and without."""
    losses = []
    for share in (0.0, smoothing):
        own, network = copy.deepcopy(method).train(), copy.deepcopy(model).train()
        own.label_smoothing = share
        losses.append(_loss(own, network, x, y, generator(CPU, 0)))
    require(
        not torch.equal(*losses),
        f"label_smoothing is {smoothing:g}, and the method does not use it; leave it at 0, or have the method's loss "
        "call self.cross_entropy(logits, y)",
    )


def _loss(method: Any, model: nn.Module, x: Tensor, y: Tensor, draws: torch.Generator) -> Any:
    """Returns a batch's loss. The start of an epoch, which may take thousands of steps, is left out where it can be."""
    try:
        return method.loss(model, x, y, draws)
    except Exception:  # noqa: BLE001  whatever it was, the second try raises it again if the start is not the reason
        method.start_epoch(0, model, TensorSplit(_bytes(x), y), draws)
        return method.loss(model, x, y, draws)


def _model(trial: Trial, data: Data) -> nn.Module:
    model = signature.build(find("model", trial.model), trial.model_params, shape=data.shape, classes=data.classes)
    model.initialise(generator(CPU, trial.seed))
    built: nn.Module = model
    return built


def _few(data: Data) -> Data:
    """Returns two images of training and two of validation; none of test, which nobody has looked at."""
    train, validation = _two(data.train), _two(data.validation)
    fingerprint = f"{data.fingerprint}-two"  # metrics may keep what they made of it
    return replace(data, train=train, validation=validation, test=validation, fingerprint=fingerprint)


def _two(split: Split) -> TensorSplit:
    x, y = next(split.batches(2))
    return TensorSplit(_bytes(x), y)


def _bytes(x: Tensor) -> Tensor:
    return (x * 255).round().to(torch.uint8)


def _reached(*_: Any) -> None:
    raise _ReachedError
