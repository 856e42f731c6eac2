"""The heat map of corruptions: its numbers by hand, its base, and what it does with many settings."""

from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
import pytest

from reports import corruption_heatmap
from reports.core.cells import is_bold, is_worse, plain
from reports.core.looks import signs
from search_spaces.core.space import Arm, Grid
from tests.reports.loops import accuracies, gains, marks, spread
from tests.support import CORRUPTIONS, table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = [t for t in trials("sigma_sweep", seeds=3) if t.arm != "GNT" or t.params["sigma"] in (0.0, 0.5)]
    return table(some, tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def points(rows: pd.DataFrame) -> pd.DataFrame:
    return corruption_heatmap.points(rows)


def test_points_by_loops_also_where_a_seed_is_missing(rows: pd.DataFrame) -> None:
    for some in (rows, rows[(rows["label"] != "Speckle") | (rows["seed"] != 1)]):
        points = corruption_heatmap.points(some).set_index(["label", "corruption"])
        found = accuracies(some)
        labels = {label for label, _ in found}
        assert len(points) == len(labels) * (len(CORRUPTIONS) + 2)
        for label in labels:
            seeds = [seed for name, seed in found if name == label]
            one = {(c, s): fmean(found[label, s][c].values()) for s in seeds for c in ("clean", *CORRUPTIONS)}
            base = {(c, s): fmean(found["GNT, sigma 0", s][c].values()) for s in seeds for c in ("clean", *CORRUPTIONS)}
            for each in (one, base):
                each.update({("mean", s): fmean(each[c, s] for c in CORRUPTIONS) for s in seeds})
            for name in ("clean", *CORRUPTIONS, "mean"):
                row = points.loc[(label, name)]
                assert tuple(row[["n", "mean", "std"]]) == spread(one[name, s] for s in seeds)
                each = [one[name, s] - base[name, s] for s in seeds]
                assert row["gain_n"] == len(seeds) and row["gain"] == pytest.approx(fmean(each))
                assert row["base"] == (label == "GNT, sigma 0") and row["shown"]
                assert row["family"] == CORRUPTIONS.get(name, "clean" if name == "clean" else "all")


def test_without_a_base_the_gain_is_over_the_mean_of_the_settings(rows: pd.DataFrame) -> None:
    some = rows[rows["label"] != "GNT, sigma 0"]
    points = corruption_heatmap.points(some)
    assert not points["base"].any() and points["gain_low"].isna().all()
    for _, group in points.groupby("corruption"):
        assert group["gain"].tolist() == pytest.approx((group["mean"] - fmean(group["mean"])).tolist())
    assert "over the mean of the settings" in corruption_heatmap.caption(points)


def test_the_table_has_the_bases_accuracy_and_the_others_gains(points: pd.DataFrame, rows: pd.DataFrame) -> None:
    shown = corruption_heatmap.table(points).set_index("Corruption")
    assert list(shown) == ["GNT, sigma 0 (base)", "GNT, sigma 0.5", "GNT, set of sigmas", "Speckle"]
    assert list(shown.index) == ["Clean", *(name.replace("_", " ").capitalize() for name in CORRUPTIONS), "Mean"]
    found = accuracies(rows)
    fog: dict[str, dict[int, float]] = {}
    for (label, seed), each in found.items():
        fog.setdefault(label, {})[seed] = fmean(each["fog"].values())
    for label, (gain, *_) in gains(fog, "GNT, sigma 0").items():
        assert plain(shown.loc["Fog", label]) == f"{100 * gain:+.1f}"
    assert plain(shown.loc["Fog", "GNT, sigma 0 (base)"]) == f"{100 * fmean(fog['GNT, sigma 0'].values()):.1f}"
    best, worse = marks(fog)
    assert [is_bold(cell) for cell in shown.loc["Fog"]] == list(best.values())
    assert [is_worse(cell) for cell in shown.loc["Fog"]] == list(worse.values())


def test_the_figure_writes_the_accuracies_and_colours_the_gains(points: pd.DataFrame) -> None:
    (axis, bar) = corruption_heatmap.draw(points).axes
    points = points.assign(label=points["label"].map(signs))
    assert [t.get_text() for t in axis.get_xticklabels()] == list(dict.fromkeys(points["label"]))
    names = [t.get_text().replace(" ", "_") for t in axis.get_yticklabels()]
    by_place = points.set_index(["corruption", "label"])
    colours = np.asarray(axis.images[0].get_array())
    written = {t.get_position(): t.get_text() for t in axis.texts if t.get_rotation() == 0}
    for row, corruption in enumerate(names):
        for column, label in enumerate(dict.fromkeys(points["label"])):
            point = by_place.loc[(corruption, label)]
            assert written[column, row] == f"{100 * point['mean']:.1f}"
            assert colours[row, column] == pytest.approx(100 * point["gain"])
    low, high = axis.images[0].get_clim()
    assert low == -high == pytest.approx(-100 * points["gain"].abs().max())
    assert bar.get_ylabel() == "points over GNT, σ 0"


@pytest.mark.parametrize(("count", "blocks"), [(2, 1), (20, 1), (45, 2)])
def test_many_settings_are_in_blocks_and_too_many_are_left_out(count: int, blocks: int, tmp_path: Path) -> None:
    arms = (Arm(method="gnt", label="GNT", space={"sigma": Grid(*(i / 100 for i in range(count)))}),)
    points = corruption_heatmap.points(table(trials("sigma_sweep", arms=arms, seeds=1), tmp_path))
    figure = corruption_heatmap.draw(points)
    *maps, _ = figure.axes
    assert len(maps) == blocks
    assert sum(len(axis.get_xticks()) for axis in maps) == min(count, 40)
    assert maps[0].get_xticklabels()[0].get_text() == "GNT, σ 0"  # the base is always shown
    text = corruption_heatmap.caption(points)
    assert ("The figure shows 40 of 45 settings" in text) == (count == 45)
    assert corruption_heatmap.table(points).shape[1] == 1 + count
