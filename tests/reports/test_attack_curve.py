"""Accuracy under attack against sigma: points counted again from the tidy rows, one trial at a time."""

from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import attack_curve as report
from reports.core.cells import is_bold, is_worse
from reports.core.looks import signs
from tests.support import table, trials


def test_points_by_hand(tmp_path: Path) -> None:
    some = trials("learned_vs_fixed", seeds=3)
    rows = table(some, tmp_path)
    points = report.points(rows)
    settings = {t.config_id: t for t in some}
    assert len(points) == len(settings) * (1 + 3 * 2)
    for point in points.itertuples():
        trial = settings[point.config]
        mine = rows[(rows["config"] == point.config) & (rows["metric"] == "accuracy")]
        if point.attack == "clean":
            values = mine[mine["benchmark"] == "clean"]["value"].tolist()
            assert point.epsilon == 0 and point.masked != point.masked
        else:
            severity = {0.1: 1, 0.2: 2}[point.epsilon]
            here = (mine["corruption"] == point.attack) & (mine["severity"] == severity)
            values = mine[here & (mine["benchmark"] == "linf")]["value"].tolist()
            assert point.masked == pytest.approx(2 / 3)
        assert (point.n, point.mean, point.std) == (3, pytest.approx(fmean(values)), pytest.approx(stdev(values)))
        start = trial.params["sigma"]
        learned = trial.params["learn"]
        assert point.learned == learned
        assert point.sigma == pytest.approx(start**0.5 + 0.01 if learned else start)


def test_a_training_without_a_sigma_is_a_reference(tmp_path: Path) -> None:
    points = report.points(table(trials("stochastic_sigma", seeds=2), tmp_path))
    without = set(points[points["sigma"].isna()]["arm"])
    assert without == {"Input noise 0.5", "PGD training 0.1", "Vanilla"}
    assert not points["learned"].any()


def test_settings_of_one_arm_that_differ_beside_sigma_are_not_one_curve(tmp_path: Path) -> None:
    points = report.points(table(trials("sigma_epsilon", seeds=2), tmp_path))
    curves = points.groupby("arm")["config"].nunique().to_dict()
    epsilons = ("0", "0.01", "0.02", "0.04", "0.07", "0.1")
    assert curves == {"Closed form": 6} | {f"PGD training, epsilon {epsilon}": 1 for epsilon in epsilons}
    clean = report.draw(points).axes[0]
    drawn = {line.get_label(): line.get_ydata()[0] for line in clean.lines if line.get_linestyle() == "--"}
    mean = points[(points["attack"] == "clean") & points["sigma"].isna()].set_index("arm")["mean"]
    assert drawn == pytest.approx((100 * mean).rename(signs).to_dict())


def test_the_table_marks_the_worst_case_alone_and_counts_masked_seeds(tmp_path: Path) -> None:
    points = report.points(table(trials("stochastic_sigma", seeds=3), tmp_path))
    worst = points["attack"] == "worst"
    assert not points.loc[~worst, ["best", "worse"]].any(axis=None)
    shown = report.table(points)
    assert list(shown.columns) == [
        *("Training", "sigma", "n", "Clean", "PGD 0.1", "Worst case 0.1", "PGD 0.2", "Worst case 0.2", "Masked"),
    ]  # fmt: skip
    assert set(shown["Masked"]) == {"2 of 3"} and len(shown) == 11
    for radius in (0.1, 0.2):
        worst = points[(points["attack"] == "worst") & (points["epsilon"] == radius)]
        best = worst.loc[worst["mean"].idxmax(), "label"]
        column = shown.set_index("Training")[f"Worst case {radius}"]
        assert column.index[column.map(is_bold)].tolist() == [best]
        assert column.map(is_worse).to_dict() == worst.set_index("label")["worse"].to_dict()
    assert report.summary(points)["worst_accuracy.0.2"] == worst["mean"].max()


def _flagged(rows: pd.DataFrame, pairs: set[tuple[int, int]]) -> pd.DataFrame:
    """The rows, flagged at these (seed, severity) alone."""
    told = [float(pair in pairs) for pair in zip(rows["seed"], rows["severity"], strict=True)]
    return rows.assign(value=rows["value"].where(rows["metric"] != "flag", told))


def test_seeds_that_are_masked_at_some_radius_count_once_each(tmp_path: Path) -> None:
    rows = table(trials("stochastic_sigma", seeds=3), tmp_path)
    for pairs, count in (({(0, 1), (1, 2)}, 2), ({(0, 1), (0, 2)}, 1), (set(), 0)):
        assert set(report.table(report.points(_flagged(rows, pairs)))["Masked"]) == {f"{count} of 3"}


def test_norms_do_not_share_a_column_or_a_comparison(tmp_path: Path) -> None:
    rows = table(trials("stochastic_sigma", seeds=3), tmp_path)
    alone = report.points(rows)
    attacked = rows[rows["benchmark"] == "linf"]
    other = attacked.assign(benchmark="l2", value=attacked["value"].where(attacked["metric"] != "accuracy", 0.25))
    points = report.points(pd.concat([rows, other]))
    linf = points[points["norm"] != "l2"].reset_index(drop=True)
    pd.testing.assert_frame_equal(linf, alone)
    assert (points.loc[points["norm"] == "l2", "mean"] == 0.25).all() and "Linf and L2" in report.caption(points)
    shown = report.table(points)
    columns = [f"{name} {norm} {radius}" for norm in ("Linf", "L2") for radius in ("0.1", "0.2") for name in
               ("PGD", "Worst case")]  # fmt: skip
    assert list(shown.columns) == ["Training", "sigma", "n", "Clean", *columns, "Masked"]
    assert {"worst_accuracy.linf.0.1", "worst_accuracy.l2.0.2"} <= set(report.summary(points))
    titles = [axis.get_title() for axis in report.draw(points).axes if axis.get_title()]
    assert titles == ["clean", *(f"under attack, {n} radius {r}" for n in ("Linf", "L2") for r in ("0.1", "0.2"))]
    assert "of the Linf norm" in report.caption(alone)


def test_panels_have_one_scale_from_zero_and_one_legend(tmp_path: Path) -> None:
    rows = table(trials("stochastic_sigma", seeds=2), tmp_path)
    low = (rows["benchmark"] == "linf") & (rows["metric"] == "accuracy")
    rows.loc[low, "value"] = 0.02 * rows.loc[low, "seed"]  # a standard deviation reaches below zero
    points = report.points(rows)
    figure = report.draw(points)
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert {axis.get_ylim() for axis in panels} == {panels[0].get_ylim()} and panels[0].get_ylim()[0] == 0
    figure.draw_without_rendering()
    (legend,) = [*figure.legends, *(axis.get_legend() for axis in figure.axes if axis.get_legend())]
    assert {text.get_text() for text in legend.get_texts()} == {signs(arm) for arm in points["arm"]} | {"plain PGD"}
    colours = [line.get_color() for line in panels[0].lines if line.get_label() in set(points["arm"])]
    assert len(colours) == len(set(colours))
