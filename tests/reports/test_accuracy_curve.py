"""Accuracy versus sigma: curves, references, the best, and what is printed of them."""

import random
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import accuracy_curve
from reports.core.cells import is_bold, plain
from reports.core.curves import near_text
from search_spaces.core.space import Arm, Grid
from study.ledger.trial import Trial
from tests.support import table, trials

PEAK = {0: 0.5, 1: 0.5, 2: 0.26}
"""Seed -> the sigma at which the made-up accuracy peaks."""


def _accuracy(trial: Trial, corruption: str, severity: int) -> float:
    sigma = trial.params["sigma"]
    if isinstance(sigma, list):
        return 0.6 + 0.01 * trial.seed
    return 0.8 - 0.1 * abs(sigma - PEAK[trial.seed]) - 0.02 * severity


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("sigma_sweep", seeds=3), tmp_path_factory.mktemp("results"), _accuracy)


@pytest.fixture(scope="module")
def points(rows: pd.DataFrame) -> pd.DataFrame:
    return accuracy_curve.points(rows)


def test_an_arm_with_several_values_is_a_curve_any_other_a_reference(points: pd.DataFrame) -> None:
    curve, references = points[points["x"].notna()], points[points["x"].isna()]
    assert set(curve["arm"]) == {"GNT"} and set(references["arm"]) == {"GNT, set of sigmas", "Speckle"}
    for _, group in curve.groupby("measure"):
        assert group["x"].tolist() == [0.0, 0.08, 0.12, 0.18, 0.26, 0.38, 0.5, 0.6, 0.8, 1.0]
    assert references[["optimum", "optimum_low", "optimum_high"]].isna().all(axis=None) and (points["n"] == 3).all()
    assert len(points) == 3 * 12


def test_one_value_of_a_curve_is_a_reference(rows: pd.DataFrame) -> None:
    one = rows[rows["label"] == "GNT, sigma 0.5"]
    points = accuracy_curve.points(one)
    assert points["x"].isna().all() and points["optimum"].isna().all() and set(points["arm"]) == {"GNT"}


def test_a_second_dimension_makes_a_curve_for_each_of_its_values(tmp_path: Path) -> None:
    arms = (Arm(method="gnt", label="GNT", space={"sigma": Grid(0.0, 0.5), "lr": Grid(0.01, 0.1)}),)
    points = accuracy_curve.points(table(trials("sigma_sweep", arms=arms, seeds=2), tmp_path))
    assert set(points["arm"]) == {"GNT, lr 0.01", "GNT, lr 0.1"} and (points["n"] == 2).all()
    for _, curve in points.groupby(["arm", "measure"]):
        assert curve["x"].tolist() == [0.0, 0.5] and curve["config"].nunique() == 2


def test_values_that_are_no_numbers_are_references_with_their_whole_label(tmp_path: Path) -> None:
    space = {"sigma": Grid(0.0, 0.5, [0.1, 0.2], [0.1, 0.4]), "lr": Grid(0.01, 0.1)}
    arms = (Arm(method="gnt", label="GNT", space=space),)
    points = accuracy_curve.points(table(trials("sigma_sweep", arms=arms, seeds=2), tmp_path))
    curve, references = points[points["x"].notna()], points[points["x"].isna()]
    assert set(curve["arm"]) == {"GNT, lr 0.01", "GNT, lr 0.1"}
    assert set(references["arm"]) == {f"GNT, sigma {s}, lr {lr}" for s in ("[0.1, 0.2]", "[0.1, 0.4]") for lr in
                                      (0.01, 0.1)}  # fmt: skip
    assert references.groupby("arm")["config"].nunique().max() == 1


def test_any_numeric_parameter_is_an_axis(tmp_path: Path) -> None:
    def value(trial: Trial, corruption: str, severity: int) -> float:
        return 0.5 + trial.recipe["lr"]

    arms = (Arm(method="gnt", label="GNT", space={"sigma": Grid(0.0, 0.5), "lr": Grid(0.01, 0.1, 0.02)}),)
    report = accuracy_curve.along("lr")
    points = report.points(table(trials("sigma_sweep", arms=arms, seeds=2), tmp_path, value))
    assert set(points["arm"]) == {"GNT, sigma 0", "GNT, sigma 0.5"} and set(points["optimum"]) == {0.1}
    for _, curve in points.groupby(["arm", "measure"]):
        assert curve["x"].tolist() == [0.01, 0.02, 0.1] and curve["mean"].tolist() == pytest.approx([0.51, 0.52, 0.6])
    assert report.title == "Accuracy versus lr" and report.summary is not None and report.draw is not None
    assert report.table(points)["lr"].tolist() == ["0.01", "0.01", "0.02", "0.02", "0.1", "0.1"]
    assert "GNT, sigma 0.5, all corruptions: best lr 0.1" in report.caption(points)
    assert "vanilla" not in report.caption(points) and report.summary(points)["best_lr.corruption"] == 0.1
    assert {axis.get_xlabel() for axis in report.draw(points).axes} == {"lr"}


def test_means_and_deviations_by_hand(points: pd.DataFrame) -> None:
    row = points[(points["x"] == 1.0) & (points["measure"] == "corruption")].iloc[0]
    each = [fmean(0.8 - 0.1 * abs(1 - PEAK[seed]) - 0.02 * s for s in range(1, 6)) for seed in range(3)]
    assert (row["mean"], row["std"]) == (pytest.approx(fmean(each)), pytest.approx(stdev(each)))
    clean = points[(points["x"] == 0.5) & (points["measure"] == "clean")].iloc[0]
    assert clean["mean"] == pytest.approx(fmean([0.8, 0.8, 0.8 - 0.024]))


def test_the_best_with_its_interval(points: pd.DataFrame) -> None:
    found = points.dropna(subset="optimum")
    interval = {name: set(found[f"optimum{name}"]) for name in ("", "_low", "_high")}
    assert interval == {"": {0.5}, "_low": {0.26}, "_high": {0.5}}
    assert accuracy_curve.summary(points) == pytest.approx({
        "best_sigma.corruption": 0.5, "best_accuracy.corruption": fmean([0.74, 0.74, 0.74 - 0.024]),
        "best_sigma.corruption_no_noise": 0.5, "best_accuracy.corruption_no_noise": fmean([0.74, 0.74, 0.74 - 0.024]),
    })  # fmt: skip


def test_the_table_has_the_best_in_bold_and_sorts_by_sigma(points: pd.DataFrame) -> None:
    shown = accuracy_curve.table(points)
    assert list(shown.columns) == ["Training", "sigma", "n", "Clean", "All corruptions", "Without noise"]
    assert shown["sigma"].tolist() == ["0", "0.08", "0.12", "0.18", "0.26", "0.38", "0.5", "0.6", "0.8", "1", "", ""]
    assert plain(shown["All corruptions"][6]) == "73.2 ± 1.4"
    assert [is_bold(text) for text in shown["All corruptions"]] == [s == "0.5" for s in shown["sigma"]]


def test_the_caption_says_n_the_best_and_its_interval(points: pd.DataFrame, rows: pd.DataFrame) -> None:
    text = accuracy_curve.caption(points)
    assert "n = 3 seeds" in text
    assert "GNT, all corruptions: best sigma 0.5, 95% bootstrap interval over seeds 0.26 to 0.5; not told apart" in text
    single = accuracy_curve.caption(accuracy_curve.points(rows[rows["seed"] == 0]))
    assert "n = 1 seed" in single and "best sigma 0.5, one seed, so no interval." in single


def test_a_seed_missing_somewhere_is_left_out_of_the_best_alone(rows: pd.DataFrame) -> None:
    lost = rows[(rows["seed"] != 1) | (rows["label"] != "GNT, sigma 1")]
    points = accuracy_curve.points(lost)
    curve = points[points["x"].notna() & (points["measure"] == "clean")].set_index("x")
    assert curve["n"].to_dict() == {x: 2 if x == 1.0 else 3 for x in curve.index}
    assert curve["optimum_low"].iloc[0] == 0.26 and "n = 2 to 3 seeds" in accuracy_curve.caption(points)
    assert (curve["optimum"] == 0.26).all() and (curve["optimum_n"] == 2).all()
    assert curve["optimum_mean"].to_numpy() == pytest.approx(fmean([0.8 - 0.024, 0.8]))  # of seeds 0 and 2
    text = accuracy_curve.caption(points)
    assert "best sigma 0.26 over the 2 seeds that every setting has, 95% bootstrap interval over seeds 0.26" in text
    assert accuracy_curve.summary(points)["best_accuracy.corruption"] == pytest.approx(fmean([0.74 - 0.024, 0.74]))


def test_one_seed_in_common_is_not_one_seed(rows: pd.DataFrame) -> None:
    lost = rows[(rows["seed"] == 2) | (rows["label"] != "GNT, sigma 1")]
    points = accuracy_curve.points(lost)
    curve = points[points["x"].notna()]
    assert (curve["optimum_n"] == 1).all() and (curve["optimum"] == 0.26).all() and curve["optimum_low"].isna().all()
    text = accuracy_curve.caption(points)
    assert (
        "best sigma 0.26 over the 1 seed that every setting has, so no interval." in text and ", one seed" not in text
    )


def test_no_seed_in_common_is_no_best(rows: pd.DataFrame, tmp_path: Path) -> None:
    lost = rows[
        ((rows["label"] == "GNT, sigma 0") & (rows["seed"] == 0))
        | ((rows["label"] == "GNT, sigma 1") & (rows["seed"] == 1))
    ]
    points = accuracy_curve.points(lost)
    assert points["optimum"].isna().all() and accuracy_curve.summary(points) == {}
    accuracy_curve.draw(points).savefig(tmp_path / "a.png")


def test_the_figure_shows_the_points(points: pd.DataFrame) -> None:
    figure = accuracy_curve.draw(points)
    left, right = figure.axes
    assert [a.get_title() for a in (left, right)] == ["All corruptions", "Without noise"]
    rows = points[(points["measure"] == "corruption") & points["x"].notna()]
    curve = next(line for line in left.lines if line.get_label() == "GNT")
    assert curve.get_xdata().tolist() == rows["x"].tolist()
    assert curve.get_ydata().tolist() == pytest.approx((100 * rows["mean"]).tolist())
    across = {line.get_label(): line.get_marker() for line in left.lines if not len(line.get_xdata())}
    assert across == {"GNT, set of σ": "*", "Speckle": "None"}
    (stars,) = (line for line in left.lines if line.get_marker() == "*" and len(line.get_xdata()))
    assert stars.get_xdata().tolist() == [0.08, 0.12, 0.18, 0.26, 0.38]  # the members of the set, and nothing else
    mean = points.loc[(points["measure"] == "corruption") & (points["arm"] == "GNT, set of sigmas"), "mean"].item()
    assert list(stars.get_ydata()) == pytest.approx([100 * mean] * 5) and left.get_ylim() == right.get_ylim()
    assert any("best 0.5\n[0.26, 0.5]" in text.get_text() for text in left.texts)


def _sharp(trial: Trial, corruption: str, severity: int) -> float:
    """The best of all is no curve; of the curve 0.26 to 0.6 are close, and 0.08 by a lucky draw."""
    sigma = trial.params["sigma"]
    noise = random.Random(trial.key).gauss(0, 0.002)
    if trial.arm == "Speckle":
        return 0.8 + 0.01 * trial.seed + noise
    near = isinstance(sigma, float) and (0.26 <= sigma <= 0.6 or sigma == 0.08)
    return 0.7 + 0.003 * (sigma == 0.5) - 0.03 * (not near) + 0.01 * trial.seed + noise


def test_what_is_not_told_apart_from_the_best_of_its_curve(tmp_path: Path) -> None:
    rows = table(trials("sigma_sweep", seeds=3), tmp_path, _sharp)
    points = accuracy_curve.points(rows)
    text = accuracy_curve.caption(points)
    assert "best sigma 0.5" in text and "not told apart from the best: sigma 0.08, 0.26 to 0.6." in text
    assert "a hollow point is significantly worse than the best of its curve" in text
    # By the table's marks all of the curve is worse than Speckle, in the figure it is compared with its own best.
    curve = points[points["x"].notna()]
    assert curve["worse"].all() and set(curve.loc[~curve["below_optimum"], "x"]) == {0.08, 0.26, 0.38, 0.5, 0.6}
    for axis, measure in zip(accuracy_curve.draw(points).axes, accuracy_curve.PANELS, strict=True):
        (hollow,) = (line for line in axis.lines if line.get_markerfacecolor() == "white")
        expected = curve[(curve["measure"] == measure) & curve["below_optimum"]]
        assert list(hollow.get_xdata()) == expected["x"].tolist() == [0.0, 0.12, 0.18, 0.8, 1.0]
        assert list(hollow.get_ydata()) == pytest.approx((100 * expected["mean"]).tolist())


def test_below_the_optimum_is_the_tables_test_where_the_curve_has_the_best(rows: pd.DataFrame, tmp_path: Path) -> None:
    def value(trial: Trial, corruption: str, severity: int) -> float:
        return _sharp(trial, corruption, severity) - 0.2 * (trial.arm == "Speckle")

    points = accuracy_curve.points(table(trials("sigma_sweep", seeds=3), tmp_path, value))
    curve = points[points["x"].notna()]
    assert (curve["worse"] == curve["below_optimum"]).all() and curve["worse"].any()


@pytest.mark.parametrize(
    ("below", "text"),
    [
        ([False, False, False, False], "no other lr is told apart from it"),
        ([True, True, False, True], "every other lr is significantly worse"),
        ([False, True, False, False], "not told apart from the best: lr 0.1, 1 to 2"),
        ([True, False, False, True], "not told apart from the best: lr 0.5 to 1"),
    ],
)
def test_runs_of_values_that_are_not_told_apart(below: list[bool], text: str) -> None:
    curve = pd.DataFrame({"x": [0.1, 0.5, 1.0, 2.0], "below_optimum": below}).sample(frac=1, random_state=0)
    assert near_text(curve, "lr") == text
