"""The contract of a metric: `measure(model, data, *, ...) -> list[Row]`, see `study.evaluation.rows`.

Checked on forty digits and a small network; a metric that refuses those, on points in the plane.
"""

import doctest
import inspect
import math
import re
from dataclasses import replace

import torch
from torch import nn

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.rows import Row
from study.models.core.classifier import initialise
from study.models.toy_mlp import ToyMLP
from study.plan.contracts.core.findings import Entry, Remark, named, require, require_type
from study.plan.contracts.core.fresh import CPU, digits, first, same, small_cnn
from study.registry import signature
from study.registry.lookup import find
from trainers.core.method import generator

IMAGES = 40
SHARES = ("accuracy", "top5")
"""Metrics that are fractions."""
RIGHT = "`def measure(model: nn.Module, data: Data, *, ...) -> list[Row]` is right"


def form(entry: Entry) -> None:
    """METRIC is a function of a model and data, and of keyword-only options with types."""
    require(callable(entry.target), f"it is of type {type(entry.target).__name__}, not a function; {RIGHT}")
    parameters = list(inspect.signature(entry.target).parameters.values())
    require([p.name for p in parameters[:2]] == ["model", "data"],
            f"it takes {', '.join(p.name for p in parameters) or 'nothing'}; {RIGHT}")  # fmt: skip
    for p in parameters[2:]:
        require(p.kind is p.KEYWORD_ONLY, f"{p.name} is not keyword-only; write it after a *: {RIGHT}")
        require(p.annotation is not p.empty, f"{p.name} has no annotation; write its type")


def documentation(entry: Entry) -> None:
    """The docstring says what each option is."""
    for option in signature.options_of(entry.target):
        documented = re.search(rf"\b{option}\b[\w, ]*:\s|`{option}`", entry.target.__doc__ or "")
        require(documented is not None, f"its docstring does not say `{option}: what it is`")


def tidy_rows(entry: Entry) -> Remark | None:
    """It returns rows with values, each of them once; accuracies are fractions; clean data has severity 0."""
    if remark := _unset(entry):
        return remark
    rows = _measured(entry)
    require_type(rows, list, "it returns an object", "a list of Rows")
    require(len(rows) > 0, "it returns no row")
    for row in rows:
        require(
            type(row) is Row,
            f"it returns an object of type {type(row).__name__} in its list; study.evaluation.rows.Row is right",
        )
        where = f"{row.metric} under {row.corruption}, severity {row.severity}"
        is_float = type(row.value) is float
        require(is_float, f"the value of {where} is a {type(row.value).__name__}; a float is right: .item()")
        require(not math.isnan(row.value), f"the value of {where} is not a number")
        share = row.metric not in SHARES or 0 <= row.value <= 1
        require(share, f"the value of {where} is {row.value}; a fraction in [0, 1] is right")
        clean = row.corruption != "clean" or row.severity == 0
        require(clean, f"{where}: clean data has severity 0")
    places = [row[:4] for row in rows]
    twice = next((place for place in places if places.count(place) > 1), None)
    require(twice is None, f"two rows are alike in all but their value: {twice}")
    return None


def leaves_the_model(entry: Entry) -> Remark | None:
    """The model keeps its weights, its mode and no gradients, and nothing is drawn from global generators."""
    if remark := _unset(entry):
        return remark
    model, data = subject(entry)
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    for training in (True, False):
        model.train(training)
        entry.build(model=model, data=data)
        restored = all(module.training is training for module in model.modules())
        mode = "training" if training else "evaluation"
        require(restored, f"a model that was in {mode} mode is left in the other; "
                "study.evaluation.core.predict.inference restores it")  # fmt: skip
    require(same(before, model.state_dict()), "it changes the model's weights or statistics")
    held = [name for name, parameter in model.named_parameters() if parameter.grad is not None]
    require(not held, f"it leaves gradients in the model: {', '.join(held)}")
    require(torch.equal(state, torch.get_rng_state()),
            "it draws from torch's global generator; draw from a torch.Generator that an option seeds")  # fmt: skip
    return None


def same_twice(entry: Entry) -> Remark | None:
    """The same model and data give the same rows."""
    if remark := _unset(entry):
        return remark
    columns = slice(None if entry.repeats else 4)
    one, two = ([tuple(row)[columns] for row in _measured(entry)] for _ in range(2))
    differing = next((a for a, b in zip(one, two, strict=False) if not same(a, b)), None)
    require(same(one, two), f"it returns other rows the second time, such as {differing}; seed all that is drawn")
    return None


def example(entry: Entry) -> Remark | None:
    """Lines in the docstring that begin with >>>, where there are such, print what stands below them."""
    text = entry.target.__doc__ or ""
    if ">>>" not in text:
        return None
    if remark := _unset(entry):
        return remark
    model, data = subject(entry)
    globs = {"measure": entry.target, "model": model, "data": data, "points": find("dataset", "toy")(device=CPU)}
    parsed = doctest.DocTestParser().get_doctest(text, globs, entry.name, None, None)
    printed: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(parsed, out=printed.append)
    require(not printed, f"the example of its docstring prints something else: {' '.join(''.join(printed).split())}")
    return None


def subject(entry: Entry) -> tuple[nn.Module, Data]:
    """Returns a model and data, fresh, that the metric takes: the digits, or else points in the plane.

    Each is a dataset of its own, with few test images: metrics may keep what they made of a fingerprint.
    """
    data = replace(digits(), test=first(digits().test, IMAGES), fingerprint=f"of {IMAGES} test images")
    try:
        entry.build(model=small_cnn(), data=data)
    except UserError as error:
        points = find("dataset", "toy")(device=CPU)
        model = ToyMLP(shape=points.shape, classes=points.classes)
        initialise(model, generator(CPU, 0, 0))
        try:
            entry.build(model=model, data=points)
        except UserError:
            raise error from None
        return model, points
    return small_cnn(), data


def _measured(entry: Entry) -> list[Row]:
    model, data = subject(entry)
    rows: list[Row] = entry.build(model=model, data=data)
    return rows


def _unset(entry: Entry) -> Remark | None:
    """Returns a remark where options have no value, without which nothing can be measured."""
    options = signature.options_of(entry.target).items()
    missing = [name for name, default in options if default is inspect.Parameter.empty and name not in entry.options]
    if not missing:
        return None
    return f"it was not tried, since {missing[0]} has no default; --set {missing[0]}=VALUE gives it a value"


CHECKS = named(form, documentation, tidy_rows, leaves_the_model, same_twice, example)
