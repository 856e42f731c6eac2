"""The table of accuracies under attack, and that they count nowhere else."""

from pathlib import Path
from statistics import fmean, stdev

import pytest

from reports import attack_table as report
from reports.core.stats import by_corruption
from tests.support import CORRUPTIONS, table, trials


def test_points_by_hand(tmp_path: Path) -> None:
    rows = table(trials("ant_vs_gnt", seeds=3), tmp_path)
    points = report.points(rows)
    assert len(points) == 6 * 3
    for row in points.itertuples():
        benchmark = "clean" if row.attack == "clean" else "adversarial"
        here = (rows["label"] == row.label) & (rows["benchmark"] == benchmark) & (rows["corruption"] == row.attack)
        values = rows[here & (rows["metric"] == "accuracy")]["value"].tolist()
        assert len(values) == row.n == 3
        assert (row.mean, row.std) == (pytest.approx(fmean(values)), pytest.approx(stdev(values)))
    shown = report.table(points)
    assert list(shown.columns) == ["Training", "n", "Clean", "L2: PGD and DDN", "Linf: PGD"]
    assert all(sum(cell.endswith(" *") for cell in shown[column]) == 1 for column in shown.columns[2:])


def test_attacks_are_no_corruptions(tmp_path: Path) -> None:
    rows = table(trials("ant_vs_gnt", seeds=1), tmp_path)
    assert set(by_corruption(rows)["corruption"]) == {"clean", *CORRUPTIONS}
