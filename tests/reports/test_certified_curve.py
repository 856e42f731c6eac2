"""Certified accuracy by hand: means over seeds at each radius and smoothing sigma."""

from pathlib import Path
from statistics import fmean, stdev

import pytest

from reports import certified_curve as report
from tests.support import table, trials


def test_points_and_table_by_hand(tmp_path: Path) -> None:
    rows = table(trials("certified_noise", seeds=3), tmp_path)
    points = report.points(rows)
    assert len(points) == 4 * 2 * 3  # settings, smoothing sigmas, radii
    certified = rows[(rows["benchmark"] == "certified") & (rows["metric"] == "accuracy")]
    for point in points.itertuples():
        severity = [0.0, 0.25, 0.5].index(point.radius) + 1
        here = certified[(certified["label"] == point.label) & (certified["corruption"] == point.smoothing)]
        values = here[here["severity"] == severity]["value"].tolist()
        assert (point.n, point.mean, point.std) == (3, pytest.approx(fmean(values)), pytest.approx(stdev(values)))
        assert point.abstained == pytest.approx(0.1)
    shown = report.table(points)
    assert shown["Smoothing"].tolist() == ["sigma 0.25"] * 4 + ["sigma 0.5"] * 4
    assert {"0", "0.25", "0.5", "Abstains", "Average radius"} <= set(shown)
    best = points.groupby("radius")["mean"].max()
    assert report.summary(points) == {f"certified.{r:g}": pytest.approx(v) for r, v in best.items()}
    assert report.points(rows[rows["benchmark"] != "certified"]).empty
