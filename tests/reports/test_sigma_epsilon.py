"""Sigma as an epsilon: read off the curve by hand, and the bootstrap over seeds with loops."""

from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
import pytest

from reports import sigma_epsilon as report
from tests.support import table, trials


@pytest.mark.parametrize(
    ("level", "expected"),
    [(0.4, 0.0), (0.5, 0.0), (0.55, 0.01), (0.6, 0.02), (0.65, 0.05), (0.7, 0.06), (0.9, 0.06)],
)
def test_the_equal_epsilon_of_a_curve_that_dips(level: float, expected: float) -> None:
    """0.5, 0.6, 0.6 (a dip to 0.58, made level), 0.7 at 0, 0.02, 0.04, 0.06; above 0.7 the last one."""
    grid, accuracy = np.array([0.0, 0.02, 0.04, 0.06]), np.array([0.5, 0.6, 0.58, 0.7])
    assert report.equal_epsilon(grid, accuracy, level) == pytest.approx(expected)


def _by_hand(rows, radius: float, sigma: float, seeds: tuple[int, ...]) -> float:  # type: ignore[no-untyped-def]
    """The least epsilon of 60,001 between the grid's ends whose accuracy is the sigma's."""
    severity = {0.1: 1, 0.2: 2}[radius]
    worst = rows[(rows["corruption"] == "worst") & (rows["metric"] == "accuracy") & (rows["severity"] == severity)]

    def mean(method: str, name: str, value: float) -> float:
        here = worst[(worst["method"] == method) & (worst[name] == value)]
        return fmean(here[here["seed"] == seed]["value"].item() for seed in seeds)

    grid = sorted(rows[rows["method"] == "adversarial"]["epsilon"].unique())
    curve = [max(mean("adversarial", "epsilon", e) for e in grid[: i + 1]) for i in range(len(grid))]
    fine = np.linspace(grid[0], grid[-1], 60_001)
    reached = np.interp(fine, grid, curve) >= mean("learned_sigma", "sigma", sigma)
    return float(fine[reached.argmax()] if reached.any() else grid[-1])


def test_points_by_hand(tmp_path: Path) -> None:
    rows = table(trials("sigma_epsilon", seeds=3), tmp_path)
    points = report.points(rows)
    assert len(points) == 2 * (6 + 6)
    checked = points[(points["kind"] == "sigma") & points["value"].isin([0.0, 0.6, 1.1])]
    for point in checked.itertuples():
        assert point.equal == pytest.approx(_by_hand(rows, point.radius, point.value, (0, 1, 2)), abs=3e-6)
    point = next(checked.itertuples())
    drawn = [_by_hand(rows, point.radius, point.value, seeds) for seeds in product(range(3), repeat=3)]
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    assert (point.low, point.high) == (pytest.approx(low, abs=3e-6), pytest.approx(high, abs=3e-6))


def test_one_seed_has_no_interval_and_no_curve_no_points(tmp_path: Path) -> None:
    rows = table(trials("sigma_epsilon", seeds=1), tmp_path)
    points = report.points(rows)
    assert points["low"].isna().all() and points["equal"].notna().sum() == 12
    assert report.points(rows[rows["method"] == "learned_sigma"]).empty


def test_beyond_the_last_epsilon_is_said(tmp_path: Path) -> None:
    rows = table(trials("sigma_epsilon", seeds=2), tmp_path)
    worst = (rows["corruption"] == "worst") & (rows["metric"] == "accuracy") & (rows["sigma"] == 1.1)
    rows.loc[worst, "value"] = 0.99
    points = report.points(rows)
    top = points[(points["kind"] == "sigma") & (points["value"] == 1.1)]
    assert top["beyond"].all() and set(top["equal"]) == {0.1}
    shown = report.table(points)
    assert set(shown[shown["sigma"] == "1.1"]["Equal epsilon"]) == {"> 0.100"}


def test_one_norm_is_used_and_named(tmp_path: Path) -> None:
    rows = table(trials("sigma_epsilon", seeds=2), tmp_path)
    attacked = rows[rows["benchmark"] == "linf"]
    other = attacked.assign(benchmark="l2", value=0.25)
    points = report.points(rows)
    pd.testing.assert_frame_equal(report.points(pd.concat([other, rows])), points)
    assert "Linf norm" in report.caption(points)
    only = report.points(pd.concat([rows[rows["benchmark"] != "linf"], other]))
    assert set(only["norm"]) == {"l2"} and "L2 norm" in report.caption(only)
