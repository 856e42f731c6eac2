"""Accuracy under small adversarial perturbations (Rusak et al. 2020, table 4)."""

import pandas as pd

from reports.core.report import Report
from reports.core.stats import by_trial, percent

KEYS = ["arm", "label", "config"]
COLUMNS = {"clean": "Clean", "worst_l2": "L2: PGD and DDN", "pgd_linf": "Linf: PGD"}


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and attack: arm, label, config, attack, n, mean, std of the accuracy; and of clean."""
    rows = table[(table["benchmark"] == "adversarial") & (table["metric"] == "accuracy")]
    if rows.empty:
        return pd.DataFrame()
    attacked = rows.rename(columns={"corruption": "attack", "value": "accuracy"})
    clean = by_trial(table).assign(attack="clean").rename(columns={"clean": "accuracy"})
    both = pd.concat([part[[*KEYS, "attack", "accuracy"]] for part in (clean, attacked)]).dropna(subset="accuracy")
    both = both[both["attack"].isin(COLUMNS)]
    return both.groupby([*KEYS, "attack"], sort=False)["accuracy"].agg(n="count", mean="mean", std="std").reset_index()


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and mean ± std in percent, the highest of a column starred."""
    best = points.groupby("attack")["mean"].max()
    cells = [percent(r.mean, r.std) + (" *" if r.mean == best[r.attack] else "") for r in points.itertuples()]
    wide = points.assign(cell=cells).pivot(index=KEYS, columns="attack", values="cell")
    wide = wide.reindex(pd.MultiIndex.from_frame(points[KEYS].drop_duplicates()))
    wide = wide.reindex(columns=[a for a in COLUMNS if a in wide]).rename(columns=COLUMNS)
    wide.insert(0, "n", points.groupby(KEYS, sort=False)["n"].max().astype(str))
    wide = wide.reset_index(["arm", "config"], drop=True).rename_axis(index="Training", columns=None)
    return wide.reset_index().fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    low, high = points["n"].min(), points["n"].max()
    return (
        "Top-1 accuracy in percent on clean images and under white-box attacks, with the budgets of the study; in L2 "
        "the worse of PGD and DDN for each image. Mean ± standard deviation over "
        f"n = {low if low == high else f'{low} to {high}'} seeds. * is the highest mean of a column."
    )


REPORT = Report(title="Accuracy under attack", points=points, table=table, caption=caption)
