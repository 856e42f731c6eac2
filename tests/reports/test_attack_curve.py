"""Accuracy under attack against sigma: points counted again from the tidy rows, one trial at a time."""

from pathlib import Path
from statistics import fmean, stdev

import pytest

from reports import attack_curve as report
from reports.core.cells import is_bold
from tests.support import table, trials


def test_points_by_hand(tmp_path: Path) -> None:
    some = trials("learned_vs_fixed", seeds=3)
    rows = table(some, tmp_path)
    points = report.points(rows)
    settings = {t.config_id: t for t in some}
    assert len(points) == len(settings) * (1 + 3 * 2)
    for point in points.itertuples():
        trial = settings[point.config]
        mine = rows[(rows["config"] == point.config) & (rows["metric"] == "accuracy")]
        if point.attack == "clean":
            values = mine[mine["benchmark"] == "clean"]["value"].tolist()
            assert point.epsilon == 0 and point.masked != point.masked
        else:
            severity = {0.1: 1, 0.2: 2}[point.epsilon]
            here = (mine["corruption"] == point.attack) & (mine["severity"] == severity)
            values = mine[here & (mine["benchmark"] == "linf")]["value"].tolist()
            assert point.masked == pytest.approx(2 / 3)
        assert (point.n, point.mean, point.std) == (3, pytest.approx(fmean(values)), pytest.approx(stdev(values)))
        start = trial.params["sigma"]
        learned = trial.params["learn"]
        assert point.learned == learned
        assert point.sigma == pytest.approx(start**0.5 + 0.01 if learned else start)


def test_a_training_without_a_sigma_is_a_reference(tmp_path: Path) -> None:
    points = report.points(table(trials("stochastic_sigma", seeds=2), tmp_path))
    without = set(points[points["sigma"].isna()]["arm"])
    assert without == {"Input noise 0.5", "PGD training 0.1", "Vanilla"}
    assert not points["learned"].any()


def test_the_table_has_what_leads_in_bold_and_counts_masked_seeds(tmp_path: Path) -> None:
    points = report.points(table(trials("stochastic_sigma", seeds=3), tmp_path))
    worst = points["attack"] == "worst"
    assert not points.loc[~worst, "leads"].any()
    top = points[worst].groupby("epsilon")["mean"].transform("max").reindex(points.index)
    shown = report.table(points.assign(leads=points["mean"] == top))
    assert list(shown.columns) == [
        *("Training", "sigma", "n", "Clean", "PGD 0.1", "Worst case 0.1", "PGD 0.2", "Worst case 0.2", "Masked"),
    ]  # fmt: skip
    assert set(shown["Masked"]) == {"2 of 3"} and len(shown) == 11
    for radius in (0.1, 0.2):
        worst = points[(points["attack"] == "worst") & (points["epsilon"] == radius)]
        best = worst.loc[worst["mean"].idxmax(), "label"]
        told = shown[shown[f"Worst case {radius}"].map(is_bold)]
        assert told["Training"].tolist() == [best]
    assert report.summary(points)["worst_accuracy.0.2"] == worst["mean"].max()
