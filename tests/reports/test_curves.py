"""Which curve a setting lies on, by what varies and never by its label."""

from dataclasses import replace
from pathlib import Path

import pytest

from reports import accuracy_curve
from reports.core.curves import curve_names
from search_spaces.core.space import Arm, Grid
from study.registry.lookup import find, names
from tests.support import table, trials


def test_arms_whose_names_look_like_values_are_curves_of_their_own(tmp_path: Path) -> None:
    arms = (
        Arm(method="gnt", label="GNT, sigma small", space={"sigma": Grid(0.0, 0.1)}),
        Arm(method="gnt", label="GNT, sigma large", space={"sigma": Grid(0.5, 1.0), "lr": 0.1}),
    )
    points = accuracy_curve.points(table(trials("sigma_sweep", arms=arms, seeds=2), tmp_path))
    for _, measure in points.groupby("measure"):
        curves = {arm: curve["x"].tolist() for arm, curve in measure.groupby("arm")}
        assert curves == {"GNT, sigma small": [0.0, 0.1], "GNT, sigma large": [0.5, 1.0]}
    assert points["optimum"].notna().all()


def test_different_curves_have_different_names_whatever_the_order_of_rows(tmp_path: Path) -> None:
    """An arm that is named like another's value, and values that differ after six digits, as of two studies."""
    some = [
        trial
        for label, sigmas, lr in (("GNT", (0.1, 0.5), Grid(0.01)), ("GNT", (0.1, 0.5), Grid(0.010000001)),
                                  ("GNT, lr 0.01", (0.2, 0.3), 0.03))
        for trial in trials(
            "sigma_sweep", arms=(Arm(method="gnt", label=label, space={"sigma": Grid(*sigmas), "lr": lr}),), seeds=1
        )
    ]  # fmt: skip
    rows = table(some, tmp_path)
    found = curve_names(rows, "sigma")
    settings = rows.drop_duplicates("config").set_index("config")
    by_curve = settings.groupby(found)[["arm", "lr"]].nunique()
    assert set(by_curve.index) == {"GNT, lr 0.01", "GNT, lr 0.01 (2)", "GNT, lr 0.01 (3)"}
    assert (by_curve == 1).all(axis=None) and (found.value_counts() == 2).all()
    assert curve_names(rows[::-1], "sigma").to_dict() == found.to_dict()


def test_with_a_schedule_the_curve_is_the_arm(tmp_path: Path) -> None:
    some = [t for t in trials("sigma_sweep", seeds=1) if t.arm == "GNT"][:2]
    phased = [replace(t, schedule=({"epoch": 1, "params": t.params, "recipe": t.recipe},)) for t in some]
    assert set(curve_names(table(phased, tmp_path), "sigma")) == {"GNT"}


@pytest.mark.parametrize(
    "value",
    [0.1 + 0.2, 1e-7, 123456.7, 1234567.0, 5, 0.0, -0.5, True, None, "cosine", [0.1, 2], {"a": 1 / 3, "b": None}, {}],
)
def test_values_are_printed_as_labels_have_them(value: object, tmp_path: Path) -> None:
    trial = trials("sigma_sweep", seeds=1)[0]
    trial = replace(trial, params={**trial.params, "extra": value}, varied=("sigma", "extra"))
    assert curve_names(table([trial], tmp_path), "lr").tolist() == [trial.label]


@pytest.mark.parametrize("name", [n for n in names("study") if find("study", n).population is None])
def test_a_curve_along_what_does_not_vary_is_called_as_the_setting_is(name: str, tmp_path: Path) -> None:
    """Reports print values as labels do, though they import nothing of the platform."""
    some = trials(name, seeds=1)
    found = curve_names(table(some, tmp_path), "no parameter")
    assert found.to_dict() == {trial.config_id: trial.label for trial in some}
