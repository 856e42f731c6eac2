"""The table of noise distances."""

import math
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import noise_distance_table as report
from study.trial import Trial
from tests.support import table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("ant_vs_gnt", seeds=3), tmp_path_factory.mktemp("results"))


def test_points_by_hand(rows: pd.DataFrame) -> None:
    points = report.points(rows).set_index("label")
    assert list(points.index) == list(dict.fromkeys(rows["label"])) and len(points) == 6
    records = rows[rows["metric"] == "epsilon_median"].to_dict("records")
    for label, row in points.iterrows():
        for noise, count in (("gaussian", 3), ("uniform", 3), ("adversarial", 6)):
            values = [r["value"] for r in records if r["label"] == label and r["corruption"] == noise]
            assert len(values) == count == row[f"{noise}_n"]
            assert (row[f"{noise}_mean"], row[f"{noise}_std"]) == (
                pytest.approx(fmean(values)),
                pytest.approx(stdev(values)),
            )
        clean = rows[(rows["label"] == label) & (rows["benchmark"] == "clean") & (rows["metric"] == "accuracy")][
            "value"
        ]
        assert (row["clean_mean"], row["clean_std"]) == (pytest.approx(fmean(clean)), pytest.approx(stdev(clean)))
        assert (row["n"], row["generators"]) == (3, 2)


def test_infinite_medians_are_printed_as_such(tmp_path: Path) -> None:
    def value(trial: Trial, corruption: str, severity: int) -> float:
        if corruption == "adversarial" and trial.arm == "ANT 1x1":
            return math.inf if trial.seed == 0 and severity == 1 else 0.5
        return 0.25 + trial.seed

    rows = table(trials("ant_vs_gnt", seeds=2), tmp_path, value)
    shown = report.table(report.points(rows)).set_index("Training")
    assert shown.loc["ANT 1x1", "ε* adversarial"] == "∞ (1 of 4) *"
    assert shown.loc["Vanilla", "ε* adversarial"] == "7.50 ± 5.77"
    assert shown.loc["Vanilla", "Clean"] == "75.0 ± 70.7"
    summary = report.summary(report.points(rows))
    assert summary["epsilon.Vanilla"] == 7.5 and "epsilon.ANT 1x1" not in summary
    caption = report.caption(report.points(rows))
    assert "n = 2 seeds" in caption and "2 freshly trained generators" in caption
    one = report.table(report.points(rows[rows["seed"] == 1])).set_index("Training")
    assert one.loc["Vanilla", "ε* Gaussian"] == "12.50 *"
