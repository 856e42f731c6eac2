"""Accuracy under small adversarial perturbations (Rusak et al. 2020, table 4)."""

import pandas as pd

from reports.core.compare import compare
from reports.core.layout import by_setting, means_note
from reports.core.report import Report
from reports.core.stats import by_trial

COLUMNS = {"clean": "Clean", "worst_l2": "L2: PGD and DDN", "pgd_linf": "Linf: PGD"}


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and attack (and clean): what `compare` tells of its accuracy."""
    attacked = table[(table["benchmark"] == "adversarial") & (table["metric"] == "accuracy")]
    if attacked.empty:
        return pd.DataFrame()
    clean = by_trial(table).assign(attack="clean").rename(columns={"clean": "value"})
    both = pd.concat([clean, attacked.rename(columns={"corruption": "attack"})])
    return compare(both[both["attack"].isin(COLUMNS)], "attack")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and mean ± std in percent."""
    return by_setting(points, "attack", COLUMNS)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    main = points[points["attack"] == "pgd_linf"]
    return (
        "Top-1 accuracy in percent on clean images and under white-box attacks with the study's budgets (L2: the worse "
        f"of PGD and DDN for each image). {means_note(points, main, COLUMNS['pgd_linf'])}"
    )


REPORT = Report(title="Accuracy under attack", points=points, table=table, caption=caption)
