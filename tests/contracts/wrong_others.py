"""Models, datasets and metrics, each wrong in one way: (check that catches it, object, what it says); and all kinds
but methods together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from study.datasets.core.data import Data, TensorSplit
from study.evaluation.rows import Row
from study.models.core.classifier import Classifier
from study.models.toy_mlp import ToyMLP
from study.registry.lookup import find
from tests.contracts.wrong_reports import REPORTS, STUDIES

CALLS = count(1)
Shape = tuple[int, int, int]


class Mlp(ToyMLP):
    """A right one, to be spoilt."""

    def __init__(self, *, shape: Shape, classes: int) -> None:
        super().__init__(shape=shape, classes=classes)


class UndocumentedWidth(ToyMLP):
    """A model."""

    def __init__(self, *, shape: Shape, classes: int, width: int = 3) -> None:
        super().__init__(shape=shape, classes=classes)


class Scaled(Mlp):
    """Does more than its stages."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class OnTheCPU(Mlp):
    """Makes a tensor without saying where."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.ones(len(x), 1)


class OneSize(Classifier):
    """Fails where images are not of 8 x 8."""

    def __init__(self, *, shape: Shape, classes: int) -> None:  # noqa: ARG002
        super().__init__(nn.Flatten(), nn.Linear(64, classes))


class NotNormalised(Mlp):
    """Its first stage does nothing."""

    def __init__(self, *, shape: Shape, classes: int) -> None:
        super().__init__(shape=shape, classes=classes)
        self.stages[0] = nn.Identity()


class Outside(Mlp):
    """Has a layer that is in no stage."""

    def __init__(self, *, shape: Shape, classes: int) -> None:
        super().__init__(shape=shape, classes=classes)
        self.extra = nn.Linear(2, 2)


class GlobalStart(Mlp):
    """Starts as its constructor drew."""

    def initialise(self, rng: Generator) -> None:
        pass


class Half(Mlp):
    """Starts its weights anew, and not its biases."""

    def initialise(self, rng: Generator) -> None:
        for name, parameter in self.named_parameters():
            if "weight" in name:
                nn.init.normal_(parameter, generator=rng)
            elif not hasattr(self, "begun"):
                nn.init.zeros_(parameter)
        self.begun = True


class Unused(Classifier):
    """Has a parameter that its output does not use."""

    def __init__(self, *, shape: Shape, classes: int) -> None:
        layer = nn.Linear(shape[0] * shape[1] * shape[2], classes)
        layer.register_module("idle", nn.Linear(2, 2))
        super().__init__(nn.Flatten(), layer)


class Hidden(Mlp):
    """Has a number that decides its logits and is not in its state."""

    def __init__(self, *, shape: Shape, classes: int) -> None:
        super().__init__(shape=shape, classes=classes)
        self.factor = next(CALLS)

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * super().forward(x)


MODELS = [
    ("form", nn.Linear, "Linear does not derive from Classifier"),
    ("configuration", UndocumentedWidth, "docstring does not say `width: what it is`"),
    (
        "configuration",
        type("Wrong", (ToyMLP,), {"__init__": lambda self, shape, classes: None}),
        "shape is not keyword-only",
    ),
    ("logits_of_the_stages", Scaled, "its output is not what its stages make one after another"),
    ("logits_of_the_stages", OneSize, "fails on images of 1 x 28 x 28 .*UserError that names 28 x 28"),
    ("normalises_first", NotNormalised, "its first stage is Identity; Normalise is right"),
    ("normalises_first", Outside, "extra.weight, extra.bias is in no stage"),
    ("start_is_the_generators", GlobalStart, "starts otherwise at each build"),
    ("initialise_starts_anew", Half, "initialise leaves .*bias as it was"),
    ("trains_all_parameters", Unused, r"stages.2.idle.weight gets no gradient"),
    ("state_returns", Hidden, "after load_state_dict its logits differ"),
    ("one_device", OnTheCPU, "its forward pass mixes tensors of the GPU and of the CPU"),
]


@dataclass(frozen=True)
class Unshuffled(TensorSplit):
    """Training images in order."""

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        yield from super().batches(size)


def dataset(change: Callable[[Data], Any]) -> Any:
    """Returns a loader of points that spoils them."""

    def load(*, root: Path | None = None, device: torch.device, download: bool = False) -> Data:
        """Returns points. root, download: not needed."""
        spoilt: Data = change(find("dataset", "toy")(device=device))
        return spoilt

    return load


def no_files(*, root: Path | None = None, device: torch.device, download: bool = False) -> Data:  # noqa: ARG001
    """Returns nothing."""
    raise FileNotFoundError(root)


def bytes_of(data: Data) -> Any:
    """Returns points with labels that no class has."""
    return replace(data, validation=TensorSplit(data.validation.images, data.validation.labels + 7))


DATASETS = [
    ("form", lambda root: root, "it takes root; `def load"),
    ("documentation", no_files, "docstring does not say `root: what it is`"),
    ("without_files", no_files, "it raises FileNotFoundError; study.errors.UserError that names the folder is right"),
    (
        "batches_in_order",
        dataset(lambda data: 3),
        "it returns an object of type int; study.datasets.core.data.Data is right",
    ),
    ("batches_in_order", dataset(bytes_of), "labels of validation are from 7 to 8; 0 to 1 are right"),
    ("batches_in_order", dataset(lambda data: replace(data, shape=(1, 2, 3))), "a batch of train has the shape"),
    (
        "training_batches",
        dataset(lambda data: replace(data, train=Unshuffled(data.train.images, data.train.labels))),
        "an epoch has 32 batches of 8; 31 full ones",
    ),
    (
        "fingerprint",
        dataset(lambda data: replace(data, fingerprint="mine")),
        "its fingerprint is 'mine', not 16 hex digits",
    ),
    (
        "fingerprint",
        dataset(lambda data: replace(data, fingerprint=f"{next(CALLS):016x}")),
        "and then .*; it depends on",
    ),
]


def metric(value: Any, name: str = "accuracy", severity: int = 0, rows: int = 1) -> Any:
    """Returns a metric of these rows. value: a number, or what makes one of a model."""

    def measure(model: nn.Module, data: Data) -> list[Row]:  # noqa: ARG001
        number = value(model) if callable(value) else value
        return [Row("mine", "clean", severity, name, number)] * rows

    return measure


def undocumented(model: nn.Module, data: Data, *, power: int = 2) -> list[Row]:  # noqa: ARG001
    """Returns rows."""
    return []


def example(model: nn.Module, data: Data) -> list[Row]:  # noqa: ARG001
    """Returns rows.

    >>> len(measure(model, data))
    7
    """
    return [Row("mine", "clean", 0, "accuracy", 0.5)]


def trained(model: nn.Module) -> float:
    """Changes the model."""
    with torch.no_grad():
        next(model.parameters()).add_(1)
    return 0.5


METRICS = [
    ("form", lambda data: [], "it takes data; `def measure"),
    ("documentation", undocumented, "docstring does not say `power: what it is`"),
    (
        "tidy_rows",
        metric(torch.tensor(0.5)),
        "the value of accuracy under clean, severity 0 is a Tensor; a float is right",
    ),
    ("tidy_rows", metric(50.0), r"is 50.0; a fraction in \[0, 1\] is right"),
    ("tidy_rows", metric(float("nan")), "is not a number"),
    ("tidy_rows", metric(0.5, severity=3), "clean data has severity 0"),
    ("tidy_rows", metric(0.5, rows=2), "two rows are alike in all but their value"),
    ("tidy_rows", metric(0.5, rows=0), "it returns no row"),
    ("leaves_the_model", metric(lambda model: 0.5 if model.eval() else 0), "in training mode is left in the other"),
    ("leaves_the_model", metric(trained), "it changes the model's weights"),
    ("leaves_the_model", metric(lambda model: torch.rand(()).item()), "draws from torch's global generator"),
    ("same_twice", metric(lambda model: 1 / next(CALLS)), "it returns other rows the second time"),
    ("example", example, "the example of its docstring prints something else: .*Expected: 7 Got: 1"),
]


WRONG: list[tuple[str, str, Any, str]] = [
    (kind, *case)
    for kind, cases in (
        ("model", MODELS),
        ("dataset", DATASETS),
        ("metric", METRICS),
        ("report", REPORTS),
        ("study", STUDIES),
    )
    for case in cases
]
