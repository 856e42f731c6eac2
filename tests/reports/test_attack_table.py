"""The table of accuracies under attack, and that they count nowhere else."""

from pathlib import Path
from statistics import fmean, stdev

import pytest

from reports import attack_table as report
from reports.core.cells import is_bold, is_worse
from reports.core.stats import by_corruption
from tests.reports.loops import marks
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
    for attack, title in report.COLUMNS.items():
        raw = rows[(rows["corruption"] == attack) & (rows["metric"] == "accuracy")]
        raw = raw[raw["benchmark"] == ("clean" if attack == "clean" else "adversarial")]
        best, worse = marks({label: part.set_index("seed")["value"].to_dict() for label, part in raw.groupby("label")})
        assert [is_bold(cell) for cell in shown[title]] == [best[label] for label in shown["Training"]]
        assert [is_worse(cell) for cell in shown[title]] == [worse[label] for label in shown["Training"]]


def test_attacks_are_no_corruptions(tmp_path: Path) -> None:
    rows = table(trials("ant_vs_gnt", seeds=1), tmp_path)
    assert set(by_corruption(rows)["corruption"]) == {"clean", *CORRUPTIONS}
