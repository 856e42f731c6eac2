"""A trial's key: what decides its numbers, and nothing else."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.ledger.trial import Trial
from tests.support import trials

BASE = trials("sigma_sweep", seeds=1)[0]
DECISIVE: dict[str, Any] = {
    "method": "speckle", "params": {**BASE.params, "sigma": 0.123}, "recipe": {**BASE.recipe, "lr": 0.123},
    "data": "mnist", "data_params": {"validation": 0.3}, "fingerprint": "f" * 16, "model": "lenet5",
    "model_params": {**BASE.model_params, "width": 17}, "weights": "0" * 64,
    "evaluate": {"clean": {"batch": 7}}, "folders": {"clean": {"folder": "1" * 16}},
    "seed": 1, "parent": {"setting": "Parent", "weights": "1" * 16},
    "schedule": ({"epoch": 1, "params": BASE.params, "recipe": BASE.recipe},),
}  # fmt: skip
LABELS: dict[str, Any] = {"arm": "another", "varied": ("sigma", "lr")}


def test_every_field_is_either_decisive_or_a_label() -> None:
    assert set(vars(replace(BASE))) == {*DECISIVE, *LABELS}


@pytest.mark.parametrize("field", DECISIVE)
def test_the_key_changes_with_what_decides_the_numbers(field: str) -> None:
    other = replace(BASE, **{field: DECISIVE[field]})
    assert other.key != BASE.key
    assert (other.config_id == BASE.config_id) is (field == "seed")


@pytest.mark.parametrize("field", LABELS)
def test_the_key_ignores_labels(field: str) -> None:
    other = replace(BASE, **{field: LABELS[field]})
    assert (other.key, other.config_id) == (BASE.key, BASE.config_id)


def test_the_key_ignores_the_order_of_parameters() -> None:
    turned = replace(BASE, recipe=dict(reversed(BASE.recipe.items())), params=dict(reversed(BASE.params.items())))
    assert turned.key == BASE.key


def test_a_trial_survives_json() -> None:
    for trial in trials("ant_vs_gnt", seeds=1):
        again = Trial.from_json(trial.to_json())
        assert again == trial and (again.key, again.config_id, again.label) == (trial.key, trial.config_id, trial.label)


GOLDEN = "85c9ecf4f593"
"""The key of a trial written out in full; it may change with `study.trial.NUMBERS` only."""
PRINT_KEY = """
from study.ledger.trial import Trial
print(Trial(arm="a", method="gnt", params={"sigma": 0.5, "p_clean": 0.5}, recipe={"epochs": 25, "lr": 1e-3},
            data="digits", data_params={"validation": 0.2}, fingerprint="0123456789abcdef", model="small_cnn",
            model_params={"width": 16}, evaluate={"clean": {}}, seed=0).key)
"""


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_the_key_is_the_same_in_every_process(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", PRINT_KEY], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == GOLDEN
