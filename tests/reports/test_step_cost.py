"""The cost of a step: means over runs, from the tidy rows."""

import re
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import step_cost as report
from study.evaluation.step_cost import measure
from tests.support import digits, small_cnn, table, trials


def test_points_by_hand(tmp_path: Path) -> None:
    rows = table(trials("stochastic_cost", seeds=3), tmp_path)
    points = report.points(rows)
    assert points["training"].tolist() == ["vanilla", "closed form", "PGD training", "PGD training"]
    assert points["steps"].tolist() == [0, 0, 1, 7]
    for place, point in enumerate(points.itertuples()):
        ratios = [1 + place * (1 + 0.1 * seed) for seed in range(3)]
        assert (point.n, point.ratio, point.ratio_std) == (
            3,
            pytest.approx(fmean(ratios)),
            pytest.approx(stdev(ratios)),
        )
        assert (point.ratio_low, point.ratio_high) == (
            pytest.approx(0.9 * fmean(ratios)),
            pytest.approx(1.2 * fmean(ratios)),
        )
        assert point.seconds == pytest.approx(0.01 * fmean(ratios))
        assert (point.memory, point.memory_ratio) == (pytest.approx(1e6 * (1 + place)), pytest.approx(1 + place))


def test_attack_steps_are_named(tmp_path: Path) -> None:
    points = report.points(table(trials("stochastic_cost", seeds=1), tmp_path))
    assert report.table(points)["Training"].tolist() == ["vanilla", "closed form", "PGD-1 training", "PGD-7 training"]
    assert report.summary(points)["step_ratio.PGD-7_training"] == 4.0


def test_every_way_has_a_name_that_mlflow_takes() -> None:
    rows = measure(small_cnn(), digits(), batch=4, rounds=1, pgd=(1,))
    names = report.summary(report.points(pd.DataFrame(rows)))
    assert len(names) == 6 and all(re.fullmatch(r"[\w\-. :/]+", name) for name in names)
