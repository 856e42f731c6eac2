"""Accuracy of each training method (Rusak et al. 2020, table 3): clean, under corruptions, and without noise."""

import pandas as pd

from reports.core.report import Report
from reports.core.stats import MEASURES, by_corruption, by_trial, percent

KEYS = ["arm", "label", "config"]
TRAINED_ON = {
    "gnt": "gaussian_noise",
    "ant": "gaussian_noise",
    "learned_sigma": "gaussian_noise",
    "patch_gaussian": "gaussian_noise",
    "speckle": "speckle_noise",
}
"""Method -> the test corruption that it trains on, or on one that it starts as. Noise of strength 0 is none, and
noise correlated over several pixels is another."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and measure: arm, label, config, measure, n, mean, std, bracket.

    bracket: whether the measure contains a corruption that the setting was trained on.
    """
    trials = by_trial(table)
    if trials.empty:
        return pd.DataFrame()
    long = trials.melt([*KEYS, "seed"], list(MEASURES), "measure", "accuracy").dropna(subset="accuracy")
    found = long.groupby([*KEYS, "measure"], sort=False)["accuracy"].agg(n="count", mean="mean", std="std")
    found = found.reset_index()
    seen = by_corruption(table).groupby("config")["corruption"].agg(set)
    trained = _trained_on(table)
    here = [trained[config] in seen[config] for config in found["config"]]
    return found.assign(bracket=pd.Series(here, dtype=bool) & (found["measure"] == "corruption"))


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and each measure as mean ± std in percent, in brackets or starred."""
    open_field = points[~points["bracket"]].groupby("measure")["mean"].max()
    cells = []
    for row in points.itertuples():
        text = percent(row.mean, row.std)
        starred = text + " *" if row.mean == open_field.get(row.measure) else text
        cells.append(f"({text})" if row.bracket else starred)
    wide = points.assign(cell=cells).pivot(index=KEYS, columns="measure", values="cell")
    wide = wide.reindex(pd.MultiIndex.from_frame(points[KEYS].drop_duplicates()))
    wide = wide.reindex(columns=[m for m in MEASURES if m in wide]).rename(columns=MEASURES)
    counts = points.groupby(KEYS, sort=False)["n"].max().astype(str)
    wide.insert(0, "n", counts)
    wide = wide.reset_index(["arm", "config"], drop=True).rename_axis(index="Training", columns=None)
    return wide.reset_index().fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    low, high = points["n"].min(), points["n"].max()
    text = (
        "Top-1 accuracy in percent: on clean images, mean over all corruptions and severities, and over those that are "
        f"not noise. Mean ± standard deviation over n = {low if low == high else f'{low} to {high}'} seeds."
    )
    if points["bracket"].any():
        text += " In brackets: a corruption of the test was used in training."
    return text + " * is the highest mean of a column, brackets left out."


def _trained_on(table: pd.DataFrame) -> "pd.Series[str]":
    """Returns config -> the corruption it trains on, "" for none."""
    settings = table.drop_duplicates("config").set_index("config")
    trained = settings["method"].map(TRAINED_ON).fillna("")
    if "sigma" in settings:
        trained[pd.to_numeric(settings["sigma"], errors="coerce") == 0] = ""
    if "correlation" in settings:
        trained[pd.to_numeric(settings["correlation"], errors="coerce") > 1] = ""
    return trained


REPORT = Report(title="Accuracy by training method", points=points, table=table, caption=caption)
