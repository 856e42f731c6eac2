"""What every file of study/evaluation/ has to do. Those that read a published benchmark have tests with files."""

import inspect
import math
from dataclasses import replace

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
    assert measure.__doc__


def test_there_are_metrics() -> None:
    assert {"clean", "corruption", "calibration", "flips"} <= set(NAMES)
    assert set(names("metric")) >= NEEDS_FILES | NEEDS_POINTS
