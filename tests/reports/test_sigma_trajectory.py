"""Sigma by epoch: points from the tidy rows, one trial at a time."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import pytest

from reports import sigma_trajectory as report
from tests.support import table, trials


def test_points_by_hand(tmp_path: Path) -> None:
    """The made-up sigma is its start after epoch 1, the start's root after epoch 2, and seed / 100 more."""
    some = trials("learned_vs_fixed", seeds=3)
    points = report.points(table(some, tmp_path))
    learned = {t.config_id: t for t in some if t.params["learn"]}
    assert set(points["config"]) == set(learned) and len(points) == 2 * len(learned)
    for point in points.itertuples():
        start = learned[point.config].params["sigma"]
        values = [start ** (1 / point.epoch) + 0.01 * seed for seed in range(3)]
        assert (point.start, point.n) == (start, 3)
        assert (point.mean, point.std) == (pytest.approx(fmean(values)), pytest.approx(stdev(values)))
        channels = learned[point.config].params["channels"]
        expected = (point.mean / 2, 2 * point.mean) if channels else (None, None)
        assert [point.lowest, point.highest] == pytest.approx(expected) if channels else point.lowest != point.lowest
        assert point.drift == pytest.approx((start**0.5 + 0.01) / (start + 0.01) - 1)
        assert point.spread == pytest.approx((1.5**0.5 + 0.01) / (0.1**0.5 + 0.01) - 1)


def test_a_group_is_a_training_whatever_its_start(tmp_path: Path) -> None:
    points = report.points(table(trials("learned_vs_fixed", seeds=1), tmp_path))
    betas = {f"Learned, beta {beta}" for beta in ("0.1", "0", "0.5")}
    assert set(points["group"]) == {*betas, "Learned a channel"}
    assert report.summary(points)["sigma.learned.beta_0"] == pytest.approx(fmean(s**0.5 for s in (0.1, 0.6, 1.5)))


def test_one_start_has_no_spread_and_fixed_sigmas_no_trajectory(tmp_path: Path) -> None:
    some = [t for t in trials("learned_vs_fixed", seeds=2) if t.params["sigma"] == 0.6]
    points = report.points(table(some, tmp_path))
    assert points["spread"].isna().all() and not set(points["label"]) & {"Fixed, sigma 0.6"}
    assert set(report.table(points)["Spread over starts"]) == {""}


def test_the_summary_has_names_that_mlflow_takes(tmp_path: Path) -> None:
    some = [replace(t, arm="Learned (σ: 50%)") for t in trials("learned_vs_fixed", seeds=1) if t.arm == "Learned"]
    names = set(report.summary(report.points(table(some, tmp_path))))
    assert names == {f"sigma.learned__σ__50__.beta_{beta}" for beta in ("0", "0.1", "0.5")}
