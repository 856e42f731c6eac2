"""The table of noise distances."""

import math
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import noise_distance_table as report
from reports.core.cells import plain
from study.ledger.trial import Trial
from tests.reports.loops import marks
from tests.support import table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("ant_vs_gnt", seeds=3), tmp_path_factory.mktemp("results"))


def test_points_by_hand(rows: pd.DataFrame) -> None:
    points = report.points(rows).set_index(["label", "number"])
    assert len(points) == 6 * 4
    accuracies = rows[(rows["benchmark"] == "clean") & (rows["metric"] == "accuracy")]
    records = pd.concat([accuracies, rows[rows["metric"] == "epsilon_median"]]).to_dict("records")
    for (label, number), row in points.iterrows():
        values = [r["value"] for r in records if (r["label"], r["corruption"]) == (label, number)]
        assert len(values) == row["medians"] == (6 if number == "adversarial" else 3) and row["n"] == 3
        assert (row["mean"], row["std"]) == (pytest.approx(fmean(values)), pytest.approx(stdev(values)))
        assert row["generators"] == (2 if number == "adversarial" else 1) and row["infinite"] == 0
    assert list(dict.fromkeys(report.table(report.points(rows))["Training"])) == list(dict.fromkeys(rows["label"]))


def test_a_seeds_adversarial_distance_is_the_mean_over_its_generators(rows: pd.DataFrame) -> None:
    points = report.points(rows)
    for number in ("gaussian", "adversarial"):
        medians = rows[(rows["metric"] == "epsilon_median") & (rows["corruption"] == number)]
        each = medians.groupby(["config", "seed"])["value"].mean()
        best, worse = marks({config: each[config].to_dict() for config in medians["config"].unique()})
        found = points[points["number"] == number].set_index("config")
        assert found["best"].to_dict() == best and found["worse"].to_dict() == worse


def test_infinite_medians_are_printed_as_such(tmp_path: Path) -> None:
    def value(trial: Trial, corruption: str, severity: int) -> float:
        if corruption == "adversarial" and trial.arm == "ANT 1x1":
            return math.inf if trial.seed == 0 and severity == 1 else 0.5
        return 0.25 + trial.seed

    rows = table(trials("ant_vs_gnt", seeds=2), tmp_path, value)
    shown = report.table(report.points(rows)).set_index("Training")
    assert shown.loc["ANT 1x1", "ε* adversarial"] == "∞ (1 of 4)"
    assert shown.loc["Vanilla", "ε* adversarial"] == "7.50 ± 5.77"
    assert plain(shown.loc["Vanilla", "Clean"]) == "75.0 ± 70.7"
    summary = report.summary(report.points(rows))
    assert summary["epsilon.Vanilla"] == 7.5 and "epsilon.ANT 1x1" not in summary
    caption = report.caption(report.points(rows))
    assert "n = 2 seeds" in caption and "2 freshly trained generators" in caption
    assert "nothing in such a column can be tested" in caption
    one = report.table(report.points(rows[rows["seed"] == 1])).set_index("Training")
    assert one.loc["Vanilla", "ε* Gaussian"] == "12.50"
