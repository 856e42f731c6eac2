"""Accuracy after fine-tuning, by what was fine-tuned (Erichson et al. 2022, table 5): clean, all, noise, weather."""

import pandas as pd

from reports.core.compare import SETTING, compare, marks_note
from reports.core.layout import by_setting
from reports.core.report import Report
from reports.core.stats import by_corruption, count_text

MEASURES = {"clean": "Clean", "all": "All corruptions", "noise": "Noise", "weather": "Weather"}
KEYS = [*SETTING, "measure"]


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and measure: what `compare` tells of its accuracy.

    A measure is the mean over its corruptions of the mean over severities.
    """
    each = by_corruption(table)
    parts = [each.assign(measure="clean")[each["corruption"] == "clean"], each.assign(measure=each["family"])]
    parts.append(each.assign(measure="all")[each["corruption"] != "clean"])
    rows = pd.concat(parts)
    rows = rows[rows["measure"].isin(MEASURES)]
    trials = rows.groupby([*KEYS, "seed"], sort=False)["accuracy"].mean().rename("value").reset_index()
    return compare(trials, "measure")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting, as the paper has one a source model: n, and "mean ± std" of each measure in percent."""
    return by_setting(points, "measure", MEASURES).rename(columns={"Training": "Source model"})


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    return (
        "Top-1 accuracy in percent on the target dataset after fine-tuning, mean ± standard deviation over "
        f"n = {count_text(points['n'])} (seed i starts from the source model with seed i). "
        f"{marks_note(points, points[points['measure'] == 'all'], 'all corruptions')}"
    )


REPORT = Report(title="Robustness after fine-tuning", points=points, table=table, caption=caption, headline=True)
