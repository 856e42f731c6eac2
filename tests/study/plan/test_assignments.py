"""--set's values: which arms they reach, what stays, and what is said."""

from typing import Any

import pytest

from search_spaces.core.space import Arm, Grid, Range, Study
from search_spaces.sigma_sweep import STUDY as SWEEP
from study.errors import UserError
from study.plan.assignments import assigned, assignments, of_owner
from study.registry.signature import pair


def _spaces(study: Study, *typed: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    arms, said = assigned(study, assignments(study, tuple(map(pair, typed))))
    return {arm.label: arm.space for arm in arms}, said


def _study(*arms: Arm) -> Study:
    return Study(question="?", arms=arms, reports=())


@pytest.mark.parametrize("typed", [("sigma=0.1", "sigma=.5"), ("sigma=0.1,0.5",), ("sigma=0.1, .5",)])
def test_a_sweep_keeps_its_base_and_the_other_arms(typed: tuple[str, ...]) -> None:
    spaces, said = _spaces(SWEEP, *typed)
    assert spaces["GNT"] == {"sigma": Grid(0.0, 0.1, 0.5)}
    assert spaces["GNT, set of sigmas"] == SWEEP.arms[1].space and spaces["Speckle"] == {}
    assert said == (
        "--set sigma: GNT tries 0, 0.1, 0.5 (0 stays: it is what the others are compared with); GNT, set of sigmas and "
        "Speckle keep their own (to change one arm: --set 'GNT, set of sigmas'.sigma=...).",
    )


def test_a_base_that_is_typed_is_not_doubled_and_vanilla_training_is_one() -> None:
    assert _spaces(SWEEP, "sigma=0,0.3")[0]["GNT"] == {"sigma": Grid(0, 0.3)}
    vanilla = _study(Arm(method="standard", label="V"), *SWEEP.arms)
    spaces, said = _spaces(vanilla, "sigma=0.3")
    assert spaces["GNT"] == {"sigma": 0.3} and "stays" not in said[0]


def test_one_arm_by_its_label() -> None:
    spaces, said = _spaces(SWEEP, "gnt.sigma=0.3", "GNT, set of sigmas.sigma=[0.1,0.2]", "Speckle.p_clean=0")
    assert spaces == {"GNT": {"sigma": 0.3}, "GNT, set of sigmas": {"sigma": [0.1, 0.2]}, "Speckle": {"p_clean": 0}}
    assert said == ()


def test_a_key_that_nobody_sweeps_reaches_all_that_take_it() -> None:
    spaces, said = _spaces(SWEEP, "p_clean=0.25", "lr=1e-3,1e-2")
    assert all(space["p_clean"] == 0.25 and space["lr"] == Grid(0.001, 0.01) for space in spaces.values())
    assert said == ()
    searched = _study(Arm(method="gnt", label="A", space={"sigma": Range(0.1, 1.0)}), Arm(method="gnt", label="B"))
    assert _spaces(searched, "sigma=0.2")[0] == {"A": {"sigma": 0.2}, "B": {}}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sigam=1", r"gnt, speckle has no parameter 'sigam' \(from --set\). Did you mean 'sigma'"),
        ("Speckle.sgma=1", r"^speckle has no parameter 'sgma' \(from --set\). Did you mean 'sigma'"),
        ("Nobody.sigma=1", r"has no parameter 'Nobody.sigma'"),
    ],
)
def test_a_key_that_nothing_takes_is_refused(typed: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        _spaces(SWEEP, typed)


def test_the_models_options_have_one_value() -> None:
    listed = assignments(SWEEP, (pair("model.width=8"), pair("data.validation=0.2")))
    assert of_owner("model.", listed) == {"width": 8} and of_owner("data.", listed) == {"validation": 0.2}
    with pytest.raises(UserError, match=r"model.width has 2 values \(from --set\)"):
        of_owner("model.", assignments(SWEEP, (pair("model.width=8,16"),)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=.5", 0.5), ("a=5.", 5.0), ("a=-1e-3", -1e-3), ("a=1,2", (1, 2)), ("a= 0.1 , .5 ", (0.1, 0.5)),
        ("a=x,y", "x,y"),
        ("a=[0.1, 0.5]", [0.1, 0.5]), ("a=none", None), ("a=true", True), ("a=1.2.3", "1.2.3"), ("a=1=2", "1=2"),
    ],
)  # fmt: skip
def test_values_as_people_write_them(text: str, value: Any) -> None:
    assert pair(text) == ("a", value)
