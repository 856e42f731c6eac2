"""The table of accuracies by method, with brackets."""

from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import method_table as report
from reports.core.cells import is_bold, is_worse
from reports.core.stats import by_trial
from tests.reports.loops import marks
from tests.support import CORRUPTIONS, table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("ant_vs_gnt", seeds=3), tmp_path_factory.mktemp("results"))


def test_points_by_hand(rows: pd.DataFrame) -> None:
    points = report.points(rows).set_index(["label", "measure"])
    assert len(points) == 6 * 3
    raw = rows[(rows["metric"] == "accuracy") & (rows["benchmark"] == "common")].to_dict("records")
    kept = {"corruption": set(CORRUPTIONS), "corruption_no_noise": {c for c, f in CORRUPTIONS.items() if f != "noise"}}
    for (label, measure), row in points.iterrows():
        if measure == "clean":
            continue
        each = [
            fmean(
                r["value"] for r in raw if (r["label"], r["seed"]) == (label, seed) and r["corruption"] in kept[measure]
            )
            for seed in range(3)
        ]
        assert (row["n"], row["mean"], row["std"]) == (3, pytest.approx(fmean(each)), pytest.approx(stdev(each)))


def test_brackets_stand_where_a_test_corruption_was_trained_on(rows: pd.DataFrame) -> None:
    def bracketed(some: pd.DataFrame) -> set[tuple[str, str]]:
        shown = report.table(report.points(some)).set_index("Training")
        return {(label, c) for c in shown for label in shown.index if shown.loc[label, c].startswith("(")}

    gaussian = {"GNT 0.5", "GNT, set of sigmas", "ANT 1x1"}
    assert bracketed(rows) == {(label, "All corruptions") for label in gaussian}
    as_speckle = rows.replace({"corruption": {"gaussian_noise": "speckle_noise"}})
    assert bracketed(as_speckle) == {("Speckle", "All corruptions")}


def test_no_noise_is_not_training_on_it(tmp_path: Path) -> None:
    some = [t for t in trials("sigma_sweep", seeds=1) if t.params.get("sigma") in (0.0, 0.5)]
    points = report.points(table(some, tmp_path))
    assert set(points[points["bracket"]]["label"]) == {"GNT, sigma 0.5"}


def test_marks_are_outside_brackets(rows: pd.DataFrame) -> None:
    points = report.points(rows)
    shown = report.table(points).set_index("Training")
    assert list(shown.columns) == ["n", "Clean", "All corruptions", "Without noise"]
    assert list(shown.index) == list(dict.fromkeys(rows["label"]))
    free = by_trial(rows)[lambda t: t["label"].isin({"Vanilla", "Speckle", "ANT 3x3"})]
    each = free.set_index(["label", "seed"])["corruption"]
    best, worse = marks({label: each[label].to_dict() for label in free["label"].unique()})
    for label, cell in shown["All corruptions"].items():
        assert is_bold(cell) == best.get(label, False) and is_worse(cell) == worse.get(label, False)
    brackets = points[points["bracket"]]
    assert not brackets[["best", "worse"]].to_numpy().any() and brackets[["p", "difference"]].isna().all(axis=None)
    assert "brackets" in report.caption(points) and "Bold: best mean." in report.caption(points)
