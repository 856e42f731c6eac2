"""Calibration and confidence (Erichson et al. 2022, table 11): RMS calibration error, ECE and AURRA."""

import pandas as pd

from reports.core.compare import compare
from reports.core.layout import by_setting, means_note
from reports.core.report import Report

COLUMNS = {
    "accuracy": "Clean",
    "rms_calibration_error": "RMS calibration error",
    "expected_calibration_error": "ECE",
    "aurra": "AURRA",
}
ERRORS = {"rms_calibration_error", "expected_calibration_error"}


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and metric of COLUMNS: what `compare` tells of it; of ERRORS less is better."""
    clean = table[table["benchmark"] == "clean"]
    measured = clean[clean["metric"].isin(COLUMNS)]
    if not measured["metric"].isin(ERRORS).any():
        return pd.DataFrame()
    return compare(measured, "metric", lower=ERRORS)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and each metric as mean ± std in percent."""
    return by_setting(points, "metric", COLUMNS)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    main = points[points["metric"] == "expected_calibration_error"]
    return (
        "Clean test images, in percent: top-1 accuracy; the gap of confidence and accuracy (less is better), root mean "
        "square over bins of equally many predictions (RMS) and mean over bins of equal width (ECE); AURRA, the area "
        f"under accuracy against response rate. {means_note(points, main, COLUMNS['expected_calibration_error'])}"
    )


REPORT = Report(title="Calibration", points=points, table=table, caption=caption)
