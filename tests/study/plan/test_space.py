"""From a study and overrides to trials; and a trial's identity."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.core.space import Arm, Grid, Range, Scheduler, Search, Study
from study.errors import UserError
from study.ledger.trial import Trial, study_id
from study.plan.options import Options
from study.plan.overrides import changed as apply
from study.plan.space import Space, data_options, resolve
from tests.support import FINGERPRINT

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


def test_a_value_set_reaches_the_arms_that_sweep_it_or_else_all_that_take_it() -> None:
    trials = _resolve(("sigma", 0.7), ("batch_size", 32), seeds=1)
    assert [t.params.get("sigma") for t in trials] == [0.7, 0.7, 0.3, None]  # the grid over lr is left
    assert {t.recipe["batch_size"] for t in trials} == {32}


def test_a_key_set_twice_is_a_grid() -> None:
    for values in ((("sigma", 0.1), ("sigma", 0.2)), (("sigma", (0.1, 0.2)),)):
        trials = _resolve(*values, ("lr", 0.01), seeds=1)
        assert [t.label for t in trials] == ["GNT, sigma 0.1", "GNT, sigma 0.2", "Speckle", "Vanilla"]


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
        ([("model.width", 1), ("model.width", 2)], "model.width has 2 values"),
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


NESTED = Arm(
    method="noisymix", label="N", space={"noise": {"additive": Grid(0.1, 0.2), "sparse": 0.5}, "lr": Grid(1e-3, 1e-2)}
)


def test_fields_of_a_dictionary_are_dimensions_too() -> None:
    found = _resolve(arms=(NESTED,), seeds=1)
    assert [(t.params["noise"]["additive"], t.params["noise"]["sparse"], t.recipe["lr"]) for t in found] == [
        (0.1, 0.5, 1e-3), (0.1, 0.5, 1e-2), (0.2, 0.5, 1e-3), (0.2, 0.5, 1e-2),
    ]  # fmt: skip
    assert found[1].label == "N, noise.additive 0.1, lr 0.01"


SEARCHED = Arm(method="gnt", label="S", space={"sigma": Range(0.1, 1.0)})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arms": (SEARCHED,)}, "sigma of the arm 'S' is a Range, which only a search can draw from. Add --search tpe"),
        ({"arms": (SEARCHED,), "search": Search(algorithm="grid")}, "sigma of 'S' is a Range, of which"),
        ({"search": Search(algorithm="tpee")}, "there is no search 'tpee'. Did you mean 'tpe'"),
        ({"search": Search(samples=0)}, "samples of the search is 0; it should be at least 1"),
        ({"search": Search(chosen=0)}, "chosen of the search is 0"),
        ({"search": Search(objectives=("corupption",))}, "no objective 'corupption'. Did you mean 'corruption'"),
        ({"search": Search(), "evaluate": {"clean": {}}}, "no objective 'corruption'. Valid: clean"),
        ({"scheduler": Scheduler(algorithm="ahsa")}, "there is no scheduler 'ahsa'. Did you mean 'asha'"),
        ({"arms": (Arm(method="gnt", label="S", space={"sigma": Range(0.1, 11.0)}),), "search": Search()},
         "gnt.sigma is 11.0 .* less than or equal to 10"),
        ({"arms": (Arm(method="gnt", label="S", space={"batch_size": Range(1.5, 8.0)}),), "search": Search()},
         "training.batch_size is 1.5"),
    ],
)  # fmt: skip
def test_mistakes_of_a_search_are_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        space = Space(replace(STUDY, **changes), FINGERPRINT)
        space.check()
        resolve(space.study, FINGERPRINT)
    assert "\n" not in str(error.value)


def test_a_range_needs_two_ends_in_order() -> None:
    assert Range(1, 3).whole and not Range(1, 3.0).whole
    for wrong in ((1.0, 1.0), (2, 1)):
        with pytest.raises(ValueError, match="low < high"):
            Range(*wrong)
    with pytest.raises(ValueError, match="low > 0"):
        Range(0.0, 1.0, log=True)


def test_a_searchs_identity_is_what_decides_its_candidates() -> None:
    def identity(*values: tuple[str, Any], **changes: Any) -> str:
        return Space(replace(STUDY, **{"search": Search(), **changes}), FINGERPRINT, values).identity("s")

    base = identity()
    assert base == identity() == identity(search=Search(samples=99, chosen=5))
    others = [
        identity(search=Search(seed=1)), identity(search=Search(algorithm="random")), identity(seeds=3),
        identity(search=Search(objectives=("clean",))), identity(scheduler=Scheduler()), identity(arms=STUDY.arms[:2]),
        identity(("weight_decay", 0.1)), identity(arms=(SEARCHED,)), identity(recipe={"epochs": 3}),
        identity(arms=(replace(SEARCHED, space={"sigma": Range(0.1, 1.0, log=True)}),)),
    ]  # fmt: skip
    assert len({base, *others}) == len(others) + 1


def test_the_command_line_chooses_the_search() -> None:
    changed = apply(STUDY, Options(search="random", samples=7, objectives=("clean",), scheduler="median"))
    assert changed.search == Search(algorithm="random", samples=7, objectives=("clean",))
    assert changed.scheduler == Scheduler(algorithm="median")
    grid = apply(STUDY, Options(scheduler="asha"))
    assert grid.search is None and grid.searching == Search(algorithm="grid")
    clean = apply(STUDY, Options(scheduler="asha", objectives=("clean",)))
    assert clean.searching == Search(algorithm="grid", objectives=("clean",))
    assert apply(replace(STUDY, search=Search(seed=5)), Options(samples=3)).search == Search(samples=3, seed=5)
    with pytest.raises(UserError, match="--samples belongs to a search, and the study has none"):
        apply(STUDY, Options(samples=3))


SCHEDULED = Arm(
    method="noisymix", label="Later", space={"lr": 1e-3, "noise": {"additive": 0.1}},
    schedule=((2, {"lr": 1e-2}), (5, {"noise": {"additive": 0.7}})),
)  # fmt: skip


def test_a_schedule_changes_the_phase_before_and_carries_all_else_on() -> None:
    (found,) = _resolve(arms=(SCHEDULED,), seeds=1, recipe={"epochs": 8})
    values = [(epoch, *found.at(epoch)) for epoch in range(8)]
    assert [(recipe["lr"], params["noise"]["additive"]) for _, params, recipe in values] == [
        *[(1e-3, 0.1)] * 2, *[(1e-2, 0.1)] * 3, *[(1e-2, 0.7)] * 3,
    ]  # fmt: skip
    assert found.label == "Later" and Trial.from_json(found.to_json()) == found
    assert found.values_at(6) == {"lr": 1e-2, "noise": found.at(6)[0]["noise"]}
    (other,) = _resolve(("lr", 0.5), arms=(SCHEDULED,), seeds=1, recipe={"epochs": 8})
    assert [other.at(epoch)[1]["lr"] for epoch in range(8)] == [0.5] * 8
    (plain,) = _resolve(arms=(replace(SCHEDULED, schedule=()),), seeds=1, recipe={"epochs": 8})
    assert len({found.key, other.key, plain.key}) == 3


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        (((2, {"lr": 1e-2}), (2, {"lr": 1e-3})), "a phase after 2 epochs; it should be between 2 and 8"),
        (((8, {"lr": 1e-2}),), "a phase after 8 epochs; it should be between 0 and 8"),
        (((0, {"lr": 1e-2}),), "between 0 and 8"),
        (((2, {"epochs": 9}),), "changes 'epochs', which holds for the whole training"),
        (((2, {"lrr": 9}),), r"noisymix has no parameter 'lrr' \(from the schedule of the arm 'Later'\)"),
        (((2, {"lr": -1.0}),), "training.lr is -1.0"),
    ],
)
def test_mistakes_of_a_schedule_are_one_line(schedule: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        _resolve(arms=(replace(SCHEDULED, schedule=schedule),), seeds=1, recipe={"epochs": 8})


def test_epochs_of_the_command_line_are_every_arms() -> None:
    arms = (replace(STUDY.arms[0], space={"sigma": 0.1, "epochs": 2}), STUDY.arms[1])
    changed = apply(replace(STUDY, arms=arms), Options(epochs=50))
    assert {t.recipe["epochs"] for t in resolve(changed, FINGERPRINT, ())} == {50}


def test_a_grid_takes_no_samples() -> None:
    with pytest.raises(UserError, match="--samples is not for a grid"):
        apply(STUDY, Options(scheduler="asha", samples=3))


def test_overrides_change_what_they_name_and_no_more() -> None:
    changed = apply(STUDY, Options(data="mnist", model="lenet5", seeds=7, epochs=9))
    assert (changed.data, changed.model, changed.seeds, changed.recipe) == ("mnist", "lenet5", 7, {"epochs": 9})
    assert replace(changed, data=STUDY.data, model=STUDY.model, seeds=2, recipe=STUDY.recipe) == STUDY
    assert apply(STUDY, Options()) == STUDY
    assert apply(STUDY, Options(epochs=0)).recipe == {"epochs": 0}


def test_a_studys_identity_is_its_name_and_settings() -> None:
    base = study_id("s", _resolve())
    assert study_id("s", _resolve(seeds=5)) == base == study_id("s", _resolve()[::-1])
    relabelled = tuple(replace(arm, label=arm.label + "!") for arm in STUDY.arms)
    assert study_id("s", _resolve(arms=relabelled)) == base
    assert base != study_id("t", _resolve())
    assert base != study_id("s", _resolve(("lr", 0.5))) and base != study_id("s", _resolve(arms=STUDY.arms[:2]))
    assert base != study_id("s", resolve(STUDY, "f" * 16))


def _benchmark(folder: Path, values: int) -> Path:
    folder.mkdir()
    np.save(folder / "fog.npy", np.full((5, 8, 8, 3), values, np.uint8))
    (folder / "README").write_text("x" * 8)
    return folder


def test_a_benchmarks_content_is_decisive_and_its_path_is_not(tmp_path: Path) -> None:
    def key(folder: Path, **options: Any) -> tuple[str, str]:
        evaluate = {"official_corruption": {"folder": str(folder), "layout": "cifar-10-c", **options}}
        trial = _resolve(evaluate=evaluate)[0]
        assert Trial.from_json(trial.to_json()).key == trial.key
        return trial.key, trial.config_id

    first = _benchmark(tmp_path / "a", 1)
    same, other = _benchmark(tmp_path / "b", 1), _benchmark(tmp_path / "c", 2)
    assert key(first) == key(same) and key(first)[0] != key(other)[0]
    for name in ("p", "q", "r"):
        (tmp_path / name / ("cat" if name != "r" else "dog")).mkdir(parents=True)
    (tmp_path / "q" / "cat" / "1.png").write_text("")
    classes = {name: key(first, classes_from=str(tmp_path / name)) for name in ("p", "q", "r")}
    assert classes["p"] == classes["q"] != classes["r"] and classes["p"] != key(first)
    (same / "README").write_text("longer than before")
    assert key(first) != key(same)
    with pytest.raises(UserError, match="official_corruption.folder is '.*nowhere', and there is no such folder"):
        key(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seeds": [0, 1, 2]}, "seeds is .* valid is the number of repetitions"),
        ({"evaluate": ["clean"]}, "evaluate is .* a dictionary of metrics"),
        ({"arms": "gnt"}, "arms is 'gnt'; valid is a tuple"),
        ({"arms": (Arm(method="gnt", label="A"), Arm(method="speckle", label="A"))}, "two arms have the label 'A'"),
        ({"reports": None}, "reports is None"),
    ],
)
def test_a_study_of_another_form_is_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        replace(STUDY, **changes)


def test_numpys_values_and_a_single_arm_are_taken() -> None:
    grid = Grid(*np.arange(1, 3), np.float32(0.5))
    assert grid.values == (1, 2, 0.5) and [type(v) for v in grid.values] == [int, int, float]
    arm = Arm(method="gnt", label="A", space={"sigma": np.float64(0.1), "noise": {"additive": np.array([1, 2])}})
    assert arm.space == {"sigma": 0.1, "noise": {"additive": [1, 2]}}
    assert Study(question="?", arms=arm, reports=()).arms == (arm,)  # type: ignore[arg-type]
