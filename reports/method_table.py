"""Accuracy of each training method (Rusak et al. 2020, table 3): clean, under corruptions, and without noise."""

import pandas as pd

from reports.core.cells import cell
from reports.core.compare import MARKS, SETTING, compare, marks_note
from reports.core.layout import by_setting
from reports.core.report import Report
from reports.core.stats import MEASURES, by_corruption, by_trial, count_text, percent

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
    """Returns one row a setting and measure: what `compare` tells of its accuracy, and bracket.

    bracket: whether the measure contains a corruption that the setting was trained on. Such settings are compared
    neither with each other nor with the rest.
    """
    trials = by_trial(table)
    if trials.empty:
        return pd.DataFrame()
    long = trials.melt([*SETTING, "seed"], list(MEASURES), "measure", "value")
    seen = by_corruption(table).groupby("config")["corruption"].agg(set)
    trained = _trained_on(table)
    own = pd.Series([trained[config] in seen[config] for config in long["config"]], index=long.index, dtype=bool)
    bracket = own & (long["measure"] == "corruption")
    parts = [compare(part, "measure").assign(bracket=told) for told, part in long.groupby(bracket)]
    frame = pd.concat(parts, ignore_index=True)
    marks = [name for name in MARKS if name not in ("best", "worse", "difference_n")]
    frame.loc[frame["bracket"], marks] = float("nan")
    frame.loc[frame["bracket"], ["best", "worse", "difference_n"]] = [False, False, 0]
    order = {config: place for place, config in enumerate(long["config"].unique())}
    return frame.sort_values("config", key=lambda c: c.map(order), kind="stable", ignore_index=True)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and each measure as mean ± std in percent, some in brackets."""
    cells = []
    for row in points.itertuples():
        text = percent(row.mean, row.std)
        cells.append(f"({text})" if row.bracket else cell(text, row.best, row.worse))
    return by_setting(points, "measure", MEASURES, cells)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    text = (
        "Top-1 accuracy in percent on clean images, under all corruptions and under those that are not noise: mean ± "
        f"standard deviation over n = {count_text(points['n'])}."
    )
    if points["bracket"].any():
        text += " In brackets, and not compared: a corruption of the test was used in training."
    measure = "corruption_no_noise"
    main = points[points["measure"] == measure]
    return f"{text} {marks_note(points[~points['bracket']], main, MEASURES[measure].lower())}"


def _trained_on(table: pd.DataFrame) -> "pd.Series[str]":
    """Returns config -> the corruption it trains on, "" for none."""
    settings = table.drop_duplicates("config").set_index("config")
    trained = settings["method"].map(TRAINED_ON).fillna("")
    if "sigma" in settings:
        trained[pd.to_numeric(settings["sigma"], errors="coerce") == 0] = ""
    if "correlation" in settings:
        trained[pd.to_numeric(settings["correlation"], errors="coerce") > 1] = ""
    return trained


REPORT = Report(title="Accuracy by training method", points=points, table=table, caption=caption, headline=True)
