"""Reliability diagrams: bins and errors by loops over the raw rows, and what is drawn."""

from collections import defaultdict
from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import reliability
from reports.core.cells import is_bold, is_worse, plain
from reports.core.looks import signs
from tests.reports.loops import marks, spread
from tests.support import table, trials

Bins = dict[int, dict[int, dict[str, float]]]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = [t for t in trials("sigma_sweep", seeds=3) if t.arm != "GNT" or t.params["sigma"] in (0.0, 0.5)]
    return table(some, tmp_path_factory.mktemp("results"))


def _bins(rows: pd.DataFrame) -> dict[tuple[str, int], Bins]:
    """(label, seed) -> severity -> bin -> metric -> value."""
    found: dict[tuple[str, int], Bins] = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for row in rows.to_dict("records"):
        if row["benchmark"] == "reliability":
            number = int(row["corruption"].split()[1])
            found[row["label"], row["seed"]][int(row["severity"])][number][row["metric"]] = row["value"]
    return found


def _pooled(bins: Bins, severities: list[int]) -> dict[int, tuple[float, float, float]]:
    """bin -> confidence, accuracy, share, of the predictions at several severities: as if each had 1,000 images."""
    found = {}
    for number in sorted({number for s in severities for number in bins[s]}):
        here = [bins[s][number] for s in severities if number in bins[s]]
        count = sum(1000 * b["bin_share"] for b in here)
        means = [
            sum(1000 * b["bin_share"] * b[name] for b in here) / count for name in ("bin_confidence", "bin_accuracy")
        ]
        found[number] = (*means, count / (1000 * len(severities)))
    return found


def test_points_by_loops_also_where_a_bin_of_a_seed_is_empty(rows: pd.DataFrame) -> None:
    gone = (
        (rows["label"] == "Speckle") & (rows["seed"] == 1) & (rows["corruption"] == "bin 2") & (rows["severity"] == 0)
    )
    for some in (rows, rows[~gone]):
        points = reliability.points(some).set_index(["label", "images", "bin"])
        found, expected = _bins(some), 0
        for label in {label for label, _ in found}:
            for images, severities in {"clean": [0], "corrupted": [1, 5]}.items():
                trials_ = [_pooled(bins, severities) for (name, _), bins in found.items() if name == label]
                errors = [sum(s * abs(a - c) for c, a, s in bins.values()) for bins in trials_]
                for number in {number for bins in trials_ for number in bins}:
                    row, expected = points.loc[(label, images, number)], expected + 1
                    here = [bins[number] for bins in trials_ if number in bins]
                    assert tuple(row[["n", "accuracy", "accuracy_std"]]) == spread(a for _, a, _ in here)
                    assert row["confidence"] == pytest.approx(fmean(c for c, _, _ in here))
                    assert row["share"] == pytest.approx(sum(s for _, _, s in here) / 3)
                    assert tuple(row[["ece_n", "ece", "ece_std"]]) == spread(errors)
        assert len(points) == expected


def test_the_table_has_the_errors_and_less_is_better(rows: pd.DataFrame) -> None:
    points, found = reliability.points(rows), _bins(rows)
    shown = reliability.table(points).set_index("Training")
    assert list(shown) == ["n", "ECE, clean", "ECE, corrupted"]
    errors = {
        label: [sum(s * abs(a - c) for c, a, s in _pooled(found[label, seed], [1, 5]).values()) for seed in range(3)]
        for label in shown.index
    }
    best, worse = marks({label: dict(enumerate(each)) for label, each in errors.items()}, higher=False)
    assert [is_bold(cell) for cell in shown["ECE, corrupted"]] == [best[label] for label in shown.index]
    assert [is_worse(cell) for cell in shown["ECE, corrupted"]] == [worse[label] for label in shown.index]
    for label, each in errors.items():
        text = f"{100 * fmean(each):.1f} ± {100 * stdev(each):.1f}"
        assert plain(shown.loc[label, "ECE, corrupted"]) == text


def test_clean_bins_alone_are_enough(rows: pd.DataFrame) -> None:
    points = reliability.points(rows[(rows["benchmark"] != "reliability") | (rows["severity"] == 0)])
    assert set(points["images"]) == {"clean"} and list(reliability.table(points)) == ["Training", "n", "ECE, clean"]
    assert "corruptions" not in reliability.caption(points)
    reliability.draw(points)


def test_panels_show_the_bins_that_are_not_all_but_empty(rows: pd.DataFrame) -> None:
    points = reliability.points(rows)
    points.loc[points["bin"] == 2, "share"] = 0.002
    panels = [axis for axis in reliability.draw(points).axes if axis.get_title()]
    points = points.assign(label=points["label"].map(signs))
    assert [panel.get_title() for panel in panels] == list(dict.fromkeys(points["label"]))
    for panel in panels:
        mine = points[(points["label"] == panel.get_title()) & (points["bin"] != 2)]
        for images, line in zip(("clean", "corrupted"), panel.lines[1:], strict=True):
            drawn = mine[mine["images"] == images]
            assert list(line.get_xdata()) == list(drawn["confidence"])
            assert list(line.get_ydata()) == list(drawn["accuracy"])
        first = mine[mine["images"] == "clean"].iloc[0]
        assert panel.texts[0].get_text() == f"ECE {100 * first['ece']:.1f} ± {100 * first['ece_std']:.1f}"
