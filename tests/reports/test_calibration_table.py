"""The table of calibration errors, by hand."""

from pathlib import Path
from statistics import fmean, stdev

import pytest

from reports import calibration_table
from reports.core.cells import is_bold, plain
from tests.support import table, trials


def test_numbers_by_hand_and_less_error_is_better(tmp_path: Path) -> None:
    rows = table(trials("augmentation_baselines", seeds=2), tmp_path)
    here = (rows["benchmark"] == "clean") & rows["metric"].isin(calibration_table.COLUMNS)
    place = rows.groupby("label").ngroup() * 0.01 + rows["seed"] * 0.003
    rows.loc[here, "value"] = (0.2 + place)[here]
    points = calibration_table.points(rows)
    shown = calibration_table.table(points).set_index("Training")
    assert list(shown) == ["n", "Clean", "RMS calibration error", "ECE", "AURRA"]
    for row in points.itertuples():
        values = rows[here & (rows["label"] == row.label) & (rows["metric"] == row.metric)]["value"].tolist()
        assert (row.n, row.mean, row.std) == pytest.approx((2, fmean(values), stdev(values)))
        cell = plain(shown.loc[row.label, calibration_table.COLUMNS[row.metric]])
        assert cell == f"{100 * fmean(values):.1f} ± {100 * stdev(values):.1f}"
    labels = sorted(shown.index)
    for title, best in {"Clean": labels[-1], "RMS calibration error": labels[0], "ECE": labels[0]}.items():
        assert [label for label in shown.index if is_bold(shown.loc[label, title])] == [best]
    assert calibration_table.points(rows[~rows["metric"].str.contains("calibration")]).empty
