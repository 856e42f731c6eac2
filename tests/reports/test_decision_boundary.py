"""Boundaries: their length against geometry, and the grid that is drawn against the rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports import decision_boundary
from reports.core.cells import is_bold
from reports.core.style import style
from study.ledger.trial import Trial
from tests.support import table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = trials("toy_boundary", seeds=2)

    def accuracy(trial: Trial, *_: object) -> float:
        return 0.8 + 0.02 * trial.seed + (0.1 + 1e-4 * trial.seed) * (trial.arm == "NFM")

    return table(some, tmp_path_factory.mktemp("results"), accuracy)


def test_length_of_a_circle_and_of_a_slanted_line() -> None:
    axis = np.linspace(0, 1, 401)
    x, y = np.meshgrid(axis, axis)
    circle = decision_boundary.boundary_length((np.hypot(x - 0.5, y - 0.5) < 0.3).astype(float))
    assert circle == pytest.approx(2 * np.pi * 0.3, rel=0.01)
    assert decision_boundary.boundary_length(np.zeros((9, 9))) == 0
    # One direction alone is off by at most 4 / pi either way; the mean over directions is exact.
    turned = [
        decision_boundary.boundary_length((np.cos(a) * (x - 0.5) + np.sin(a) * (y - 0.5) > 0) * (
            np.hypot(x - 0.5, y - 0.5) < 0.4) * 1.0)
        for a in np.linspace(0, np.pi / 2, 60)
    ]  # fmt: skip
    assert np.mean(turned) == pytest.approx(np.pi * 0.4 + 0.8, rel=0.01)


def test_points_are_the_first_seeds_rows(rows: pd.DataFrame) -> None:
    points = decision_boundary.points(rows)
    assert points["config"].nunique() == 6 and set(points["seed"]) == {0} and len(points) == 6 * (9 + 2)
    for _, mine in points.groupby("config"):
        grid = mine[mine["kind"] == "grid"]
        assert grid["value"].to_numpy() == pytest.approx(0.5 * grid["first"].to_numpy())
        assert sorted(set(grid["second"])) == [0.0, 0.5, 1.0]
        data = mine[mine["kind"] == "point"]
        assert data[["first", "second", "value"]].to_numpy().tolist() == [[0.3, 0.5, 0.0], [0.7, 0.5, 1.0]]
    # Across the 3 x 3 grid: 3 crossings at a spacing of 1/2, in both seeds.
    for length in ("length", "mean_length"):
        assert points[length].to_numpy() == pytest.approx(np.pi * 3 / 8)


def test_the_table_has_the_most_accurate_in_bold_and_says_n(rows: pd.DataFrame) -> None:
    points = decision_boundary.points(rows)
    shown = decision_boundary.table(points).set_index("Training")
    assert [name for name, text in shown["Clean"].items() if is_bold(text)] == ["NFM"]
    assert shown.loc["Baseline"].tolist() == ["2", "81.0 ± 1.4†", "1.18"]
    assert "n = 2 seeds" in decision_boundary.caption(points) and "one seed (0)" in decision_boundary.caption(points)


def test_a_panel_a_setting(rows: pd.DataFrame, tmp_path: Path) -> None:
    with style():
        figure = decision_boundary.draw(decision_boundary.points(rows))
        figure.savefig(tmp_path / "a.png")
    titles = [axis.get_title() for axis in figure.axes]
    assert len(titles) == 6 and titles[0] == "Baseline (81.0%)" and titles[3] == "NFM (91.0%)"


def test_rows_without_a_boundary_are_no_points(rows: pd.DataFrame) -> None:
    assert decision_boundary.points(rows[rows["benchmark"] != "boundary"]).empty
