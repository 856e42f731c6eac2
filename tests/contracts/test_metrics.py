"""Every metric of study/evaluation keeps the contract; the checks ship in the package."""

import doctest
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.plan.contracts.core.findings import Entry
from study.plan.contracts.metrics import CHECKS
from study.registry.lookup import find, names

TIMES = {"step_cost"}
"""Measures the machine: values are not the same twice."""
OPTIONS: dict[str, dict[str, Any]] = {
    "noise_distance": {"images": 10, "generators": 2, "max_steps": 3},
    "certified": {"images": 10, "selection": 10, "samples": 50},
    "robust": {"images": 10, "steps": 3, "targets": 1, "queries": 5},
    "adversarial": {"images": 10},
    "step_cost": {"batch": 8, "rounds": 1, "pgd": (1,)},
    "official_corruption": {"folder": "CIFAR-10-C", "layout": "cifar-10-c", "corruptions": ("fog",)},
    "official_flips": {"folder": "CIFAR-10-P", "layout": "cifar-10-p", "perturbations": ("rotate",)},
}
"""Options that have no default, or only cost time at it."""
NAMES = names("metric")


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that some metrics and their examples read, as small as can be, below the working directory."""
    files = {
        "CIFAR-10-C/fog.npy": np.zeros((50, 8, 8, 1), np.uint8),
        "CIFAR-10-C/labels.npy": np.tile(np.arange(10), 5),
        "CIFAR-10-P/rotate.npy": np.zeros((2, 31, 8, 8, 1), np.uint8),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / name, content)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str, check: str) -> None:
    entry = Entry(name, find("metric", name), OPTIONS.get(name, {}), repeats=name not in TIMES)
    assert CHECKS[check](entry) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_names_rows_options_and_errors_and_has_an_example(name: str) -> None:
    """Two lines of input and one of output, which the check `example` runs."""
    measure = find("metric", name)
    text = measure.__doc__
    assert re.search(r"^ +Rows\b.*:", text, re.MULTILINE) and "Raises UserError" in text
    for option in list(inspect.signature(measure).parameters)[2:]:
        assert re.search(rf"\b{option}\b[\w, ]*:\s|`{option}`", text), option
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert len(example.examples) == 2, "two lines of input, one of output"


def test_there_are_metrics() -> None:
    assert {"clean", "corruption", "calibration", "flips", "boundary", "official_flips"} <= set(NAMES)
