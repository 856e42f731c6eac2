"""From a study and overrides to trials; and a trial's identity."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search_spaces.core.space import Arm, Grid, Study
from study.errors import UserError
from study.overrides import Overrides
from study.spec import data_options, resolve
from study.trial import Trial, study_id
from tests.support import FINGERPRINT, trials

STUDY = Study(
    question="?",
    arms=(
        Arm(method="gnt", label="GNT", space={"sigma": Grid(0.0, 0.5), "lr": Grid(1e-3, 1e-2)}),
        Arm(method="speckle", label="Speckle", space={"sigma": 0.3}),
        Arm(method="standard", label="Vanilla"),
    ),
    reports=("accuracy_curve",),
    recipe={"epochs": 2},
    seeds=2,
)


def _resolve(*values: tuple[str, Any], **changes: Any) -> list[Trial]:
    return resolve(replace(STUDY, **changes), FINGERPRINT, values)


def test_every_setting_with_every_seed_seeds_slowest() -> None:
    found = _resolve()
    assert [(t.seed, t.arm, t.params.get("sigma"), t.recipe["lr"]) for t in found] == [
        (seed, *setting)
        for seed in (0, 1)
        for setting in (
            ("GNT", 0.0, 1e-3), ("GNT", 0.0, 1e-2), ("GNT", 0.5, 1e-3), ("GNT", 0.5, 1e-2),
            ("Speckle", 0.3, 1e-3), ("Vanilla", None, 1e-3),
        )
    ]  # fmt: skip
    assert len(found) == STUDY.trial_count and all(t.recipe["epochs"] == 2 for t in found)
    assert found[0].label == "GNT, sigma 0, lr 0.001" and found[4].label == "Speckle"


def test_nothing_is_left_to_a_default() -> None:
    found = _resolve()[4]
    assert found.params == {"sigma": 0.3, "p_clean": 0.5}
    assert set(found.recipe) >= {"epochs", "batch_size", "optimizer", "lr", "momentum", "schedule", "precision"}
    assert found.model_params == {"width": 16, "hidden": 64} and "validation" in found.data_params
    assert found.evaluate["corruption"]["seed"] == 0


def test_equal_trials_are_merged_whatever_their_arm() -> None:
    twins = (
        Arm(method="gnt", label="A", space={"sigma": Grid(0.1, 0.2, 0.2)}),
        Arm(method="gnt", label="B", space={"sigma": 0.1, "p_clean": 0.5}),
        Arm(method="gnt", label="C", space={"sigma": (0.1,)}),
    )
    found = _resolve(arms=twins, seeds=1)
    assert [t.label for t in found] == ["A, sigma 0.1", "A, sigma 0.2", "C"]


def test_a_value_set_reaches_every_arm_that_takes_it() -> None:
    found = _resolve(("sigma", 0.7), ("batch_size", 32), seeds=1)
    assert [t.params.get("sigma") for t in found] == [0.7, 0.7, 0.7, None]  # the grid over lr is left
    assert {t.recipe["batch_size"] for t in found} == {32}


def test_a_key_set_twice_is_a_grid() -> None:
    found = _resolve(("sigma", 0.1), ("sigma", 0.2), ("lr", 0.01), seeds=1)
    assert [t.label for t in found] == [
        "GNT, sigma 0.1", "GNT, sigma 0.2", "Speckle, sigma 0.1", "Speckle, sigma 0.2", "Vanilla",
    ]  # fmt: skip


def test_prefixes_reach_model_and_data() -> None:
    found = _resolve(("model.width", 4), ("data.validation", 0.25), seeds=1)
    assert {t.model_params["width"] for t in found} == {4} and {t.data_params["validation"] for t in found} == {0.25}
    assert data_options(STUDY, (("data.validation", 0.25),))["validation"] == 0.25


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([("sigam", 1)], r"gnt, speckle, standard has no parameter 'sigam' \(from --set\). Did you mean 'sigma'\?"),
        ([("epoch", 1)], "Did you mean 'epochs'"),
        ([("model.widht", 1)], r"small_cnn has no parameter 'widht' \(from --set\). Did you mean 'width'\?"),
        ([("data.validatoin", 1)], "digits has no parameter 'validatoin'"),
        ([("modle.width", 1)], "has no parameter 'modle.width'"),
        ([("sigma", "0.5")], r"gnt.sigma is '0.5' \(from --set\)"),
        ([("epochs", 2.5)], r"training.epochs is 2.5 \(from --set\)"),
        ([("data.validation", 1.0)], r"digits.validation is 1.0 \(from --set\); it should be less than 1"),
        ([("model.width", 1), ("model.width", 2)], "model.width is given twice"),
    ],
)  # fmt: skip
def test_mistakes_of_the_command_line_are_one_line(values: list[tuple[str, Any]], says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        _resolve(*values)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": "smallcnn"}, "there is no model 'smallcnn'. Did you mean 'small_cnn'"),
        ({"data": "digit"}, "there is no dataset 'digit'. Did you mean 'digits'"),
        ({"evaluate": {"cleen": {}}}, "there is no metric 'cleen'. Did you mean 'clean'"),
        ({"evaluate": {"clean": {"bach": 1}}}, r"clean has no parameter 'bach' \(from the study\)"),
        ({"arms": (Arm(method="gtn", label="x"),)}, "there is no method 'gtn'. Did you mean 'gnt'"),
        ({"arms": (Arm(method="gnt", label="x", space={"sigma": -1}),)}, r"gnt.sigma is -1 \(from the arm 'x'\)"),
        ({"arms": (Arm(method="gnt", label="x", space={"sgma": 1}),)}, r"'sgma' \(from the arm 'x'\)"),
        ({"recipe": {"epocs": 1}}, "training has no parameter 'epocs'"),
    ],
)
def test_mistakes_of_a_study_are_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        _resolve(**changes)


def test_overrides_change_what_they_name_and_no_more() -> None:
    changed = Overrides(data="mnist", model="lenet5", seeds=7, epochs=9).apply(STUDY)
    assert (changed.data, changed.model, changed.seeds, changed.recipe) == ("mnist", "lenet5", 7, {"epochs": 9})
    assert replace(changed, data=STUDY.data, model=STUDY.model, seeds=2, recipe=STUDY.recipe) == STUDY
    assert Overrides().apply(STUDY) == STUDY
    assert Overrides(epochs=0).apply(STUDY).recipe == {"epochs": 0}


BASE = trials("sigma_sweep", seeds=1)[0]
DECISIVE: dict[str, Any] = {
    "method": "speckle", "params": {**BASE.params, "sigma": 0.123}, "recipe": {**BASE.recipe, "lr": 0.123},
    "data": "mnist", "data_params": {"validation": 0.3}, "fingerprint": "f" * 16, "model": "lenet5",
    "model_params": {**BASE.model_params, "width": 17}, "weights": "0" * 64,
    "evaluate": {"clean": {"batch": 7}}, "seed": 1,
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
    for trial in (BASE, *_resolve(seeds=1)):
        again = Trial.from_json(trial.to_json())
        assert again == trial and (again.key, again.config_id, again.label) == (trial.key, trial.config_id, trial.label)


GOLDEN = "0309674011b6"
"""The key of a trial written out in full; it may change with `study.trial.NUMBERS` only."""
PRINT_KEY = """
from study.trial import Trial
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


def test_a_studys_identity_is_its_name_and_settings() -> None:
    base = study_id("s", _resolve())
    assert study_id("s", _resolve(seeds=5)) == base == study_id("s", _resolve()[::-1])
    relabelled = tuple(replace(arm, label=arm.label + "!") for arm in STUDY.arms)
    assert study_id("s", _resolve(arms=relabelled)) == base
    assert base != study_id("t", _resolve())
    assert base != study_id("s", _resolve(("lr", 0.5))) and base != study_id("s", _resolve(arms=STUDY.arms[:2]))
    assert base != study_id("s", resolve(STUDY, "f" * 16))
