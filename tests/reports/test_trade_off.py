"""Clean against robust accuracy: numbers by loops, the front by its definition, names that do not overlap."""

from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from reports import trade_off
from reports.core.cells import is_bold, is_worse
from reports.core.looks import signs
from reports.core.style import at_venue, style
from search_spaces.core.space import Arm
from tests.reports.loops import accuracies, spread
from tests.support import CORRUPTIONS, table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("sigma_sweep", seeds=2), tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def points(rows: pd.DataFrame) -> pd.DataFrame:
    return trade_off.points(rows)


def test_points_by_loops(rows: pd.DataFrame, points: pd.DataFrame) -> None:
    found, by_label = accuracies(rows), points.set_index("label")
    clean = {label: [found[label, seed]["clean"][0] for seed in (0, 1)] for label, _ in found}
    robust = {
        label: [fmean(fmean(found[label, seed][c].values()) for c in CORRUPTIONS) for seed in (0, 1)]
        for label, _ in found
    }
    assert set(by_label.index) == set(clean) and len(clean) == 12
    for label, row in by_label.iterrows():
        assert (row["n"], row["clean"], row["clean_std"]) == spread(clean[label])
        assert (row["n"], row["corruption"], row["corruption_std"]) == spread(robust[label])
        beaten = any(
            fmean(clean[other]) > fmean(clean[label]) and fmean(robust[other]) > fmean(robust[label]) for other in clean
        )
        assert row["front"] == (not beaten)
    assert 0 < points["front"].sum() < 12


def test_a_seed_counts_only_with_both_accuracies(rows: pd.DataFrame) -> None:
    lost = rows[(rows["label"] != "Speckle") | (rows["seed"] != 1) | (rows["benchmark"] != "clean")]
    speckle = trade_off.points(lost).set_index("label").loc["Speckle"]
    found = accuracies(rows)["Speckle", 0]
    robust = fmean(fmean(found[c].values()) for c in CORRUPTIONS)
    assert (speckle["n"], speckle["clean"], speckle["corruption"]) == (1, found["clean"][0], pytest.approx(robust))


def test_the_table_lists_the_front_first(points: pd.DataFrame) -> None:
    shown = trade_off.table(points)
    members = set(points.loc[points["front"], "label"])
    assert set(shown.loc[shown["Pareto front"] == "✓", "Training"]) == members
    assert list(shown["Pareto front"]) == ["✓"] * len(members) + ["-"] * (12 - len(members))
    by_label = points.set_index("label").reindex(shown["Training"])
    assert [is_bold(cell) for cell in shown["All corruptions"]] == by_label["corruption_best"].tolist()
    assert [is_worse(cell) for cell in shown["All corruptions"]] == by_label["corruption_worse"].tolist()
    assert trade_off.summary(points) == {"pareto_front": float(len(members))}


def test_the_line_goes_through_the_front_and_no_two_names_overlap(points: pd.DataFrame) -> None:
    figure = trade_off.draw(points)
    (axis,) = figure.axes
    (line,) = (line for line in axis.lines if line.get_drawstyle() == "steps-pre")
    front = points[points["front"]].sort_values("clean")
    assert list(line.get_xdata())[1:-1] == pytest.approx(list(100 * front["clean"]))
    assert list(line.get_ydata())[1:-1] == pytest.approx(list(100 * front["corruption"]))
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_window_extent() for text in axis.texts]
    assert {text.get_text() for text in axis.texts} == {signs(label) for label in points["label"]}
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("venue", [None, "icml", "iclr"])
@pytest.mark.parametrize("spread", [0.0, 0.0005, 0.02])
def test_names_overlap_nowhere_however_close_the_points(points: pd.DataFrame, venue: str | None, spread: float) -> None:
    rng = np.random.default_rng(0)
    many = pd.concat([points] * 2, ignore_index=True).iloc[: trade_off.LABELLED]
    names = [f"A training with a long name {i}" for i in range(len(many))]
    many = many.assign(config=names, arm=names, label=names)
    for measure in ("clean", "corruption"):
        many[measure] = 0.8 + spread * rng.standard_normal(len(many))
    with at_venue(venue), style():
        figure = trade_off.draw(many)
        FigureCanvasAgg(figure).draw()
    (axis,) = figure.axes
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) == trade_off.LABELLED
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(axis.bbox.contains(box.x0, box.y0) and axis.bbox.contains(box.x1, box.y1) for box in boxes)


def test_of_many_settings_only_the_front_is_named(tmp_path: Path) -> None:
    arms = tuple(Arm(method="gnt", label=f"M{i}", space={"sigma": i / 100}) for i in range(30))
    points = trade_off.points(table(trials("sigma_sweep", arms=arms, seeds=1), tmp_path))
    (axis,) = trade_off.draw(points).axes
    assert {text.get_text() for text in axis.texts} == set(points.loc[points["front"], "label"])
    assert "names only the settings of the front" in trade_off.caption(points)
