"""Bars by family: their numbers by loops, and where they stand."""

from statistics import fmean

import pandas as pd
import pytest

from reports import family_bars
from reports.core.cells import is_bold, is_worse, plain
from reports.core.looks import signs
from tests.reports.loops import accuracies, spread
from tests.support import CORRUPTIONS, table, trials

FAMILIES = ["clean", "noise", "blur", "weather", "digital", "geometric", "all"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = [t for t in trials("sigma_sweep", seeds=3) if t.arm != "GNT" or t.params["sigma"] in (0.0, 0.5)]
    return table(some, tmp_path_factory.mktemp("results"))


def test_points_by_loops(rows: pd.DataFrame) -> None:
    for some in (rows, rows[(rows["label"] != "Speckle") | (rows["seed"] != 1)]):
        found, points = accuracies(some), family_bars.points(some).set_index(["label", "family"])
        labels = {label for label, _ in found}
        assert len(points) == len(labels) * len(FAMILIES)
        for label in labels:
            mine = [each for (name, _), each in found.items() if name == label]
            for family in FAMILIES:
                names = [c for c, f in CORRUPTIONS.items() if family in (f, "all")] or ["clean"]
                each = [fmean(fmean(one[c].values()) for c in names) for one in mine]
                assert tuple(points.loc[(label, family)][["n", "mean", "std"]]) == spread(each)


def test_the_table_marks_each_family_by_itself(rows: pd.DataFrame) -> None:
    points = family_bars.points(rows)
    shown = family_bars.table(points)
    names = ["Clean", "Noise", "Blur", "Weather", "Digital", "Geometric", "All corruptions"]
    assert list(shown) == ["Training", "n", *names]
    for family, name in zip(FAMILIES, names, strict=True):
        here = points[points["family"] == family].set_index("label").reindex(shown["Training"])
        assert [is_bold(cell) for cell in shown[name]] == here["best"].tolist()
        assert [is_worse(cell) for cell in shown[name]] == here["worse"].tolist() and here["best"].sum() == 1
        texts = [f"{100 * row['mean']:.1f} ± {100 * row['std']:.1f}" for _, row in here.iterrows()]
        assert [plain(cell) for cell in shown[name]] == texts


def test_bars_and_errors_are_the_points(rows: pd.DataFrame) -> None:
    points = family_bars.points(rows)
    (axis,) = family_bars.draw(points).axes
    points = points.assign(label=points["label"].map(signs))
    labels = list(dict.fromkeys(points["label"]))
    assert [text.get_text() for text in axis.get_xticklabels()] == [*FAMILIES[:-1], "all corruptions"]
    bars, errors = axis.containers[::2], axis.containers[1::2]
    assert [bar.get_label() for bar in bars] == labels
    for label, bar, error in zip(labels, bars, errors, strict=True):
        mine = points[points["label"] == label].set_index("family").reindex(FAMILIES)
        assert [patch.get_height() for patch in bar] == pytest.approx(list(100 * mine["mean"]))
        centres = [patch.get_x() + patch.get_width() / 2 for patch in bar]
        assert [round(centre) for centre in centres] == list(range(7))
        (segments,) = error.lines[2]
        for (low, high), row, centre in zip(segments.get_segments(), mine.itertuples(), centres, strict=True):
            assert (low[0], high[0]) == pytest.approx((centre, centre))
            assert (low[1], high[1]) == pytest.approx((100 * (row.mean - row.std), 100 * (row.mean + row.std)))
    low, high = axis.get_ylim()
    assert high == 100 and low == 10 * (low // 10) < 100 * (points["mean"] - points["std"]).min()
    assert f"The bars begin at {low:.0f}%, not at 0." in family_bars.caption(points)


def test_bars_begin_at_zero_where_an_accuracy_is_low(rows: pd.DataFrame) -> None:
    points = family_bars.points(rows.assign(value=rows["value"] / 10))
    assert family_bars.draw(points).axes[0].get_ylim()[0] == 0 and "begin" not in family_bars.caption(points)
