"""Calibration and confidence (Erichson et al. 2022, table 11): RMS calibration error, ECE and AURRA."""

import pandas as pd

from reports.core.layout import by_setting, means_note
from reports.core.paired import compare
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
    """Returns a row a setting: n, and each metric as mean ± std in percent, in bold what leads."""
    return by_setting(points, "metric", COLUMNS)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    return (
        "On clean test images, in percent: top-1 accuracy; RMS calibration error, the root mean squared gap of "
        "confidence and accuracy in bins of equally many predictions, and expected calibration error (ECE), the mean "
        "gap in bins of equal width, of which less is better; AURRA, the area under the curve of accuracy against "
        f"response rate. The paper's table is on ImageNet-R. {means_note(points)}"
    )


REPORT = Report(title="Calibration", points=points, table=table, caption=caption)
