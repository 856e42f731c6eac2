"""The accuracy of each setting, seed by seed: what a page shows first where there is no base to gain over."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.cells import cell
from reports.core.choose import limit_text, strongest
from reports.core.compare import MARKS, SETTING, compare, marks_note
from reports.core.looks import in_order
from reports.core.report import Report
from reports.core.seed_lines import main_accuracy, seed_columns, seed_lines
from reports.core.stats import MEASURES, by_trial, count_text, percent

LIMIT = 24
SEED = "accuracy at seed "
"""Columns of the points: the accuracy at one seed."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting: what `reports.core.compare.compare` tells of its accuracy, measure, shown, and SEED
    with the seed's number for each seed.

    measure: accuracy under corruption, of clean images where nothing else was measured. shown: whether the figure shows
    the setting. Empty where there are fewer than two settings.
    """
    trials = by_trial(table)
    if trials["config"].nunique() < 2:
        return pd.DataFrame()
    long = main_accuracy(trials)
    frame = compare(long, "measure").set_index("config")
    frame = frame.loc[in_order(frame.reset_index()).index].reset_index()
    each = long.pivot(index="config", columns="seed", values="value").add_prefix(SEED).reset_index()
    chosen = frame[[*SETTING, "measure", "n", "mean", "std", *MARKS]]
    return chosen.assign(shown=frame["config"].isin(strongest(table, LIMIT))).merge(each, on="config")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, its accuracy in percent, and that at each seed."""
    return pd.DataFrame([
        {
            "Training": row["label"], "n": str(row["n"]),
            MEASURES[row["measure"]]: cell(percent(row["mean"], row["std"]), row["best"], row["worse"]),
            "At each seed": ", ".join(percent(row[name]) for name in seed_columns(points, SEED) if pd.notna(row[name])),
        }
        for row in points.to_dict("records")
    ])  # fmt: skip


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    return (
        f"Top-1 accuracy in percent, mean ± standard deviation (bars) over n = {count_text(points['n'])}; each thin "
        f"line is a seed. {marks_note(points, points)}{limit_text(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a row a setting: its mean with a standard deviation; a thin line for each seed goes through all."""
    rows = points[points["shown"]]
    mean, std = rows["mean"], rows["std"]
    name = f"top-1 accuracy, {MEASURES[points['measure'].iloc[0]].lower()} (%)"
    return seed_lines(list(rows["label"]), rows[seed_columns(points, SEED)], mean, mean - std, mean + std, name)


REPORT = Report(title="Accuracy of each setting", points=points, table=table, caption=caption, draw=draw, headline=True)
