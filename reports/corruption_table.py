"""Accuracy under each corruption, setting by setting."""

import pandas as pd

from reports.core.report import Report
from reports.core.stats import by_corruption, percent


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and corruption: arm, label, config, family, corruption, n, mean and std over seeds."""
    trials = by_corruption(table)
    keys = ["arm", "label", "config", "family", "corruption"]
    return trials.groupby(keys, sort=False)["accuracy"].agg(n="count", mean="mean", std="std").reset_index()


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a corruption, by family, and a column a setting: mean ± std in percent, the best starred."""
    best = points.loc[points.groupby("corruption")["mean"].idxmax(), ["corruption", "config"]]
    stars = set(best.itertuples(index=False, name=None))
    cells = [percent(r.mean, r.std) + (" *" if (r.corruption, r.config) in stars else "") for r in points.itertuples()]
    named = points.assign(cell=cells, Corruption=points["corruption"].str.replace("_", " "), Family=points["family"])
    wide = named.pivot_table(
        index=["Family", "Corruption"], columns="label", values="cell", aggfunc="first", sort=False
    )
    return wide.reset_index().rename_axis(columns=None).fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    return (
        f"Top-1 accuracy in percent under each corruption, mean over severities, then mean ± standard deviation over "
        f"up to {points['n'].max()} seeds. * is the highest mean of a row."
    )


REPORT = Report(title="Accuracy under each corruption", points=points, table=table, caption=caption)
