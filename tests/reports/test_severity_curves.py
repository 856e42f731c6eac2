"""Accuracy against severity: its numbers by loops, what is left out, and what is drawn."""

from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import severity_curves
from reports.core.cells import is_bold, is_worse, plain
from reports.core.looks import signs
from tests.reports.loops import accuracies, spread
from tests.support import CORRUPTIONS, table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = [t for t in trials("sigma_sweep", seeds=3) if t.arm != "GNT" or t.params["sigma"] in (0.0, 0.5)]
    return table(some, tmp_path_factory.mktemp("results"))


def test_points_by_loops_also_where_a_seed_is_missing(rows: pd.DataFrame) -> None:
    for some in (rows, rows[(rows["label"] != "Speckle") | (rows["seed"] != 1)]):
        found, points = accuracies(some), severity_curves.points(some)
        by_place = points.set_index(["label", "family", "severity"])
        families = {*CORRUPTIONS.values(), "all"}
        labels = {label for label, _ in found}
        assert len(points) == len(labels) * len(families) * 6 and points["shown"].all()
        for label in labels:
            mine = [each for (name, _), each in found.items() if name == label]
            for family in families:
                names = [c for c, f in CORRUPTIONS.items() if family in (f, "all")]
                for severity in range(6):
                    each = [fmean(one[c][severity] for c in (names if severity else ["clean"])) for one in mine]
                    assert tuple(by_place.loc[(label, family, severity)][["n", "mean", "std"]]) == spread(each)


def test_another_benchmark_does_not_count(rows: pd.DataFrame) -> None:
    other = rows[rows["corruption"].isin(["fog", "rotate"])].assign(benchmark="other", value=0.1, headline=False)
    few = other[other["label"] == "Speckle"]
    pd.testing.assert_frame_equal(severity_curves.points(rows), severity_curves.points(pd.concat([rows, few])))


def test_corruptions_without_every_severity_do_not_count(rows: pd.DataFrame) -> None:
    """Otherwise a curve would run from one corruption to another."""
    some = (rows["benchmark"] == "common") & (rows["corruption"].isin(["fog", "rotate"]))
    lost = rows[~(some & (rows["severity"] > 1))]
    expected = severity_curves.points(rows[~some])
    pd.testing.assert_frame_equal(severity_curves.points(lost).drop(columns="shown"), expected.drop(columns="shown"))
    assert "every severity" in severity_curves.caption(expected)


def test_a_benchmark_of_one_severity_a_corruption_has_no_curve(rows: pd.DataFrame) -> None:
    common = rows["benchmark"] == "common"
    own = rows["corruption"].map({name: 1 + i % 3 for i, name in enumerate(CORRUPTIONS)})
    assert severity_curves.points(rows[~common | (rows["severity"] == own)]).empty
    assert severity_curves.points(rows[~common | (rows["severity"] == 1)]).empty


def test_the_table_is_over_all_corruptions(rows: pd.DataFrame) -> None:
    points = severity_curves.points(rows)
    shown = severity_curves.table(points).set_index("Training")
    assert list(shown) == ["n", "Clean", *(f"Severity {s}" for s in range(1, 6))]
    found = accuracies(rows)
    here = points[(points["family"] == "all") & (points["severity"] == 4)].set_index("label")
    for label in shown.index:
        each = [fmean(found[label, seed][c][4] for c in CORRUPTIONS) for seed in range(3)]
        cell = shown.loc[label, "Severity 4"]
        assert plain(cell) == f"{100 * fmean(each):.1f} ± {100 * stdev(each):.1f}"
        assert (is_bold(cell), is_worse(cell)) == (here.loc[label, "best"], here.loc[label, "worse"])
    assert here["best"].sum() == 1


def test_the_figure_has_a_panel_a_family_and_a_line_a_setting(rows: pd.DataFrame) -> None:
    points = severity_curves.points(rows).assign(label=lambda p: p["label"].map(signs))
    panels = [axis for axis in severity_curves.draw(points).axes if axis.get_title()]
    assert [p.get_title() for p in panels] == ["all corruptions", *(f for f in dict.fromkeys(CORRUPTIONS.values()))]
    for panel in panels[1:]:
        for line in panel.lines:
            mine = points[(points["label"] == line.get_label()) & (points["family"] == panel.get_title())]
            assert list(line.get_xdata()) == list(range(6))
            assert list(line.get_ydata()) == pytest.approx(list(100 * mine["mean"]))
        assert len(panel.lines) == len(panel.collections) == 4


def test_of_many_settings_the_base_and_the_best_are_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = table(trials("noisymix_ablation", seeds=1) + trials("sigma_sweep", seeds=1), tmp_path_factory.mktemp("many"))
    points = severity_curves.points(rows)
    assert points.loc[points["shown"], "config"].nunique() == 14
    assert "The figure shows 14 of 22 settings" in severity_curves.caption(points)
    assert len(severity_curves.draw(points).axes[0].lines) == 14 and len(severity_curves.table(points)) == 22
