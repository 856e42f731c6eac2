"""Curves corruption by corruption: numbers by loops, another parameter on the axis, and what is drawn."""

from pathlib import Path
from statistics import fmean

import pandas as pd
import pytest
from matplotlib.axes import Axes

from reports import corruption_curves
from reports.core.families import named
from search_spaces.core.space import Arm, Grid
from study.ledger.trial import Trial
from tests.reports.loops import accuracies, spread
from tests.support import CORRUPTIONS, table, trials

PEAK = {name: (0.0, 0.26, 0.5, 1.0)[i % 4] for i, name in enumerate(CORRUPTIONS)}


def _accuracy(trial: Trial, corruption: str, severity: int) -> float:
    sigma = trial.params["sigma"]
    if isinstance(sigma, list) or corruption not in PEAK:
        return 0.6 + 0.01 * trial.seed
    return 0.8 - 0.1 * abs(sigma - PEAK[corruption]) - 0.02 * severity + 0.01 * trial.seed


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("sigma_sweep", seeds=2), tmp_path_factory.mktemp("results"), _accuracy)


@pytest.fixture(scope="module")
def points(rows: pd.DataFrame) -> pd.DataFrame:
    return corruption_curves.points(rows)


def test_points_by_loops_and_the_best_of_each_corruption(rows: pd.DataFrame, points: pd.DataFrame) -> None:
    found = accuracies(rows)
    assert len(points) == 12 * len(CORRUPTIONS) and (points["family"] == points["corruption"].map(CORRUPTIONS)).all()
    for row in points.to_dict("records"):
        curve = row["arm"] == "GNT"
        label = f"GNT, sigma {row['x']:g}" if curve else row["arm"]
        each = [fmean(found[label, seed][row["corruption"]].values()) for seed in (0, 1)]
        assert (row["n"], row["mean"], row["std"]) == spread(each)
        best = PEAK[row["corruption"]] if curve else float("nan")
        optimum = [row[name] for name in ("optimum", "optimum_low", "optimum_high")]
        assert optimum == pytest.approx([best] * 3, nan_ok=True)


def test_the_table_has_a_row_a_corruption(points: pd.DataFrame) -> None:
    shown = corruption_curves.table(points).set_index("Corruption")
    assert list(shown) == ["Family", "GNT: best sigma", "GNT: accuracy", "GNT, set of sigmas", "Speckle"]
    for name, peak in PEAK.items():
        row = shown.loc[name.replace("_", " ")]
        assert row["GNT: best sigma"] == f"{peak:g} [{peak:g}, {peak:g}]" and row["GNT: accuracy"] == "74.5 ± 0.7"


def test_the_best_is_shown_with_the_seeds_it_was_found_over(rows: pd.DataFrame, points: pd.DataFrame) -> None:
    few = corruption_curves.points(rows[(rows["seed"] == 1) | (rows["label"] != "GNT, sigma 0.08")])
    shown = corruption_curves.table(few).set_index("Corruption")
    assert set(shown["GNT: accuracy"]) == {"75.0"} and shown.loc["fog", "GNT: best sigma"] == f"{PEAK['fog']:g}"
    assert "of a curve over the 1 seed that every setting has." in corruption_curves.caption(few)
    assert "every setting" not in corruption_curves.caption(points)


def test_another_parameter_can_be_on_the_axis(tmp_path: Path) -> None:
    arms = (Arm(method="gnt", label="GNT", space={"lr": Grid(0.1, 0.01), "sigma": Grid(0.0, 0.5)}),)
    report = corruption_curves.REPORT.along
    assert report is not None
    made = report("lr")
    points = made.points(table(trials("sigma_sweep", arms=arms, seeds=2), tmp_path))
    assert set(points["arm"]) == {"GNT, sigma 0", "GNT, sigma 0.5"} and set(points["x"]) == {0.01, 0.1}
    assert made.title == "Accuracy versus lr, corruption by corruption" and made.draw is not None
    assert made.draw(points).get_supxlabel() == "lr" and "against lr" in made.caption(points)
    assert "GNT, sigma 0: best lr" in made.table(points)


def test_without_a_curve_there_is_nothing_to_show(rows: pd.DataFrame) -> None:
    assert corruption_curves.points(rows[rows["label"].isin(["Speckle", "GNT, sigma 0.5"])]).empty


def test_the_figure_has_a_panel_a_corruption(points: pd.DataFrame) -> None:
    panels = [axis for axis in corruption_curves.draw(points).axes if axis.get_title()]
    assert [panel.get_title() for panel in panels] == [named(name) for name in CORRUPTIONS]
    for panel, name in zip(panels, CORRUPTIONS, strict=True):
        mine = points[(points["corruption"] == name) & (points["arm"] == "GNT")]
        curve = next(line for line in panel.lines if line.get_label() == "GNT")
        (best,) = (line for line in panel.lines if line.get_markerfacecolor() == "none")
        (stars,) = (line for line in panel.lines if line.get_marker() == "*" and len(line.get_xdata()))
        assert list(curve.get_xdata()) == list(mine["x"])
        assert list(curve.get_ydata()) == pytest.approx(list(100 * mine["mean"]))
        assert list(best.get_xdata()) == [PEAK[name]] and list(stars.get_xdata()) == [0.08, 0.12, 0.18, 0.26, 0.38]
        assert {"GNT, set of σ", "Speckle"} <= {line.get_label() for line in panel.lines}


def test_families_are_rows_with_one_scale_each(points: pd.DataFrame) -> None:
    figure = corruption_curves.draw(points)
    rows: dict[int, list[Axes]] = {}
    for axis in figure.axes:
        if axis.get_title():
            spec = axis.get_subplotspec()
            assert spec is not None
            rows.setdefault(spec.rowspan.start, []).append(axis)
    assert all(len({axis.get_ylim() for axis in row}) == 1 for row in rows.values())
    labels = [axis.get_ylabel() for row in rows.values() for axis in row]
    assert [label for label in labels if label] == list(dict.fromkeys(CORRUPTIONS.values()))
