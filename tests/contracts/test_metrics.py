"""What every file of study/evaluation/ has to do. Those that read a published benchmark have tests with files."""

import doctest
import inspect
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from study.datasets.core.data import Data
from study.evaluation.rows import Row
from study.registry.lookup import find, names
from tests.support import digits, first, same, small_cnn

NEEDS_FILES = {"official_corruption", "official_flips"}
NEEDS_POINTS = {"boundary"}
"""Measures on points in the plane alone."""
TIMES = {"step_cost"}
"""Measures the machine: values are not the same twice."""
CHEAP = {
    "noise_distance": {"images": 10, "generators": 2, "max_steps": 3},
    "robust": {"images": 10, "steps": 3, "targets": 1, "queries": 5},
    "adversarial": {"images": 10},
    "step_cost": {"batch": 8, "rounds": 1, "pgd": (1,)},
}
"""Options that only cost time at their defaults."""
NAMES = [name for name in names("metric") if name not in NEEDS_FILES | NEEDS_POINTS]


@pytest.fixture(scope="module")
def data() -> Data:
    """The digits with a test split of 40 images, as a dataset of its own: metrics may cache by fingerprint."""
    return replace(digits(), test=first(digits().test, 40), fingerprint="of 40 test images")


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_tidy_and_the_same_twice(name: str, data: Data) -> None:
    measure, model = find("metric", name), small_cnn()
    state, kept = torch.get_rng_state(), {k: v.clone() for k, v in model.state_dict().items()}
    for training in (True, False):
        model.train(training)
        rows = measure(model, data, **CHEAP.get(name, {}))
        assert model.training is training
        assert all(module.training is training for module in model.modules())
    assert same(kept, model.state_dict()) and all(p.grad is None for p in model.parameters())
    assert torch.equal(state, torch.get_rng_state())
    assert rows and all(type(row) is Row and type(row.value) is float and not math.isnan(row.value) for row in rows)
    assert all(0 <= row.value <= 1 for row in rows if row.metric in ("accuracy", "top5"))
    assert len({row[:4] for row in rows}) == len(rows)
    assert all(row.severity == 0 for row in rows if row.corruption == "clean")
    fixed = slice(4 if name in TIMES else None)
    again = measure(small_cnn(), data, **CHEAP.get(name, {}))
    assert same([tuple(r)[fixed] for r in rows], [tuple(r)[fixed] for r in again])


@pytest.mark.parametrize("name", names("metric"))
def test_options_are_keyword_only(name: str) -> None:
    measure = find("metric", name)
    model, images, *options = inspect.signature(measure).parameters.values()
    assert (model.name, images.name) == ("model", "data")
    for option in options:
        assert option.kind is option.KEYWORD_ONLY and option.annotation is not option.empty


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the examples read, as small as can be, below the working directory."""
    files = {
        "CIFAR-10-C/fog.npy": np.zeros((50, 8, 8, 1), np.uint8),
        "CIFAR-10-C/labels.npy": np.tile(np.arange(10), 5),
        "CIFAR-10-P/rotate.npy": np.zeros((2, 31, 8, 8, 1), np.uint8),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / name, content)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", names("metric"))
@pytest.mark.usefixtures("published")
def test_the_documentation_names_rows_options_and_errors_and_its_example_runs(name: str, data: Data) -> None:
    measure = find("metric", name)
    text = measure.__doc__
    assert re.search(r"^ +Rows\b.*:", text, re.MULTILINE) and "Raises UserError" in text
    for option in list(inspect.signature(measure).parameters)[2:]:
        assert re.search(rf"\b{option}\b[\w, ]*:\s|`{option}`", text), option
    points = find("dataset", "toy")(device=torch.device("cpu"))
    model = find("model", "toy_mlp")(shape=(2, 1, 1), classes=2) if name in NEEDS_POINTS else small_cnn()
    globs = {"measure": measure, "model": model, "data": data, "points": points}
    example = doctest.DocTestParser().get_doctest(text, globs, name, None, None)
    assert len(example.examples) == 2, "two lines of input, one of output"
    printed: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=printed.append)
    assert not printed, "".join(printed)


def test_there_are_metrics() -> None:
    assert {"clean", "corruption", "calibration", "flips"} <= set(NAMES)
    assert set(names("metric")) >= NEEDS_FILES | NEEDS_POINTS
