"""Mean corruption error by hand: against the study's own vanilla runs, and against AlexNet's published errors."""

from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import mce_table
from reports.core.cells import is_bold
from tests.support import CORRUPTIONS, table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("ant_vs_gnt", seeds=3), tmp_path_factory.mktemp("results"))


def _errors(rows: pd.DataFrame, label: str, seed: int, corruption: str, benchmark: str) -> list[float]:
    here = (rows["label"] == label) & (rows["seed"] == seed) & (rows["corruption"] == corruption)
    return [1 - v for v in rows[here & (rows["metric"] == "accuracy") & (rows["benchmark"] == benchmark)]["value"]]


def test_against_the_studys_own_vanilla_runs(rows: pd.DataFrame) -> None:
    points = mce_table.points(rows).set_index(["label", "number"])
    assert set(points["reference"]) == {"Vanilla"} and len(points) == 6 * (3 + len(CORRUPTIONS))
    usual = {c: fmean(sum(_errors(rows, "Vanilla", s, c, "common")) for s in range(3)) for c in CORRUPTIONS}
    for label in ("Vanilla", "GNT 0.5", "ANT 3x3"):
        ce = [{c: sum(_errors(rows, label, s, c, "common")) / usual[c] for c in CORRUPTIONS} for s in range(3)]
        expected = {
            "mce": [fmean(one.values()) for one in ce],
            "mce_no_noise": [fmean(v for c, v in one.items() if CORRUPTIONS[c] != "noise") for one in ce],
            "error": [fmean(fmean(_errors(rows, label, s, c, "common")) for c in CORRUPTIONS) for s in range(3)],
            "fog": [one["fog"] for one in ce],
        }
        for number, values in expected.items():
            row = points.loc[(label, number)]
            assert (row["n"], row["mean"], row["std"]) == pytest.approx((3, fmean(values), stdev(values)))
    assert points.loc[("Vanilla", "fog"), "mean"] == pytest.approx(1)
    assert "the study's own setting Vanilla" in mce_table.caption(points.reset_index())


def test_on_another_benchmark_than_the_reference_there_is_an_error_and_no_ce(rows: pd.DataFrame) -> None:
    apart = (rows["label"] == "Speckle") & (rows["benchmark"] == "common")
    mixed = rows.assign(benchmark=rows["benchmark"].mask(apart, "cifar-10-c"))
    before, after = (mce_table.points(part).set_index(["label", "number"])["mean"] for part in (rows, mixed))
    assert after["Speckle"].to_dict() == {"error": pytest.approx(before["Speckle", "error"])}
    assert set(after.index) - {("Speckle", "error")} == {pair for pair in before.index if pair[0] != "Speckle"}
    others = [pair for pair in after.index if pair[0] != "Speckle"]
    assert after[others].to_dict() == pytest.approx(before[others].to_dict())


def test_against_alexnet_on_imagenet_c(rows: pd.DataFrame) -> None:
    published = rows.replace({"benchmark": {"common": "imagenet-c"}})
    published = published[~published["corruption"].isin(["rotate"])]
    points = mce_table.points(published)
    row = points.set_index(["label", "number"]).loc[("Speckle", "fog")]
    each = [sum(_errors(published, "Speckle", s, "fog", "imagenet-c")) / (5 * 0.819324) for s in range(3)]
    assert row["mean"] == pytest.approx(fmean(each)) and set(points["reference"]) == {""}
    assert "AlexNet's, as published" in mce_table.caption(points)


def test_less_is_better_and_without_a_reference_there_is_no_table(rows: pd.DataFrame) -> None:
    points = mce_table.points(rows)
    shown = mce_table.table(points).set_index("Training")
    assert list(shown)[:4] == ["n", "Error", "mCE", "mCE without noise"]
    best = points[points["number"] == "mce"].set_index("label")["mean"].idxmin()
    assert [label for label in shown.index if is_bold(shown.loc[label, "mCE"])] == [best]
    assert mce_table.points(rows[rows["label"] != "Vanilla"]).empty


def test_the_constants_have_a_mean_that_is_known() -> None:
    assert len(mce_table.ALEXNET) == 15 and fmean(mce_table.ALEXNET.values()) == pytest.approx(0.7885, abs=1e-3)


def test_other_datasets_are_not_divided_by_this_ones_errors(rows: pd.DataFrame, tmp_path: Path) -> None:
    moved = rows.copy()
    moved.loc[moved["label"] == "Speckle", "data"] = "mnist"
    assert "Speckle" not in set(mce_table.points(moved)["label"])
