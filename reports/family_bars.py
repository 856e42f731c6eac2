"""Accuracy by family of corruptions, as grouped bars (Erichson et al. 2022, figures 6 to 8)."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.core.choose import base, limit_text, strongest
from reports.core.compare import compare, marks_note
from reports.core.families import named, place
from reports.core.layout import by_setting, titles
from reports.core.looks import in_order, looks
from reports.core.panels import legend_below
from reports.core.report import Report
from reports.core.stats import by_corruption, count_text
from reports.core.style import legend_columns, text_width

LIMIT = 16
ALL = "all"


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and family: what `compare` tells of the accuracy, and shown.

    The accuracy of a trial is the mean over the family's corruptions of the mean over severities, in its headline
    benchmark; of family "all" the mean over all corruptions, and "clean" is clean images. shown: whether the
    figure shows the setting.
    """
    each = by_corruption(table).rename(columns={"accuracy": "value"})
    corrupted = each[each["corruption"] != "clean"]
    if corrupted.empty:
        return pd.DataFrame()
    frame = compare(pd.concat([each.fillna({"family": "clean"}), corrupted.assign(family=ALL)]), "family")
    return frame.assign(shown=frame["config"].isin(strongest(table, LIMIT, base(table))))


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and the accuracy in each family in percent."""
    return by_setting(points, "family", titles(_families(points), {}))


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    floor = _floor(points[points["shown"]])
    return (
        f"Top-1 accuracy in percent by family of corruptions, mean ± standard deviation (error bars) over "
        f"n = {count_text(points['n'])}.{f' The bars begin at {floor}%, not at 0.' if floor else ''} "
        f"{marks_note(points, points[points['family'] == ALL], 'all corruptions')}{limit_text(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a group of bars for each family, a bar a setting."""
    points = points[points["shown"]]
    settings, families = in_order(points), _families(points)
    width = 0.84 / len(settings)
    columns = legend_columns(list(settings["label"]), text_width())
    figure = Figure(figsize=(text_width(), 2.5 + 0.16 * math.ceil(len(settings) / columns)), layout="constrained")
    axis = figure.subplots()
    for index, (config, look) in enumerate(looks(settings).items()):
        rows = points[points["config"] == config].set_index("family").reindex(families)
        places = np.arange(len(families)) + (index - (len(settings) - 1) / 2) * width
        axis.bar(places, 100 * rows["mean"], 0.92 * width, color=look.color, hatch=look.hatch, edgecolor="white",
                 linewidth=0, label=settings["label"][config])  # fmt: skip
        known = rows["std"].notna().to_numpy()
        axis.errorbar(places[known], 100 * rows["mean"][known], 100 * rows["std"][known], fmt="none", ecolor="0.35",
                      elinewidth=0.8, capsize=min(2.0, 14 * width))  # fmt: skip
    axis.set_xticks(range(len(families)), [named(family) for family in families])
    axis.set(ylabel="top-1 accuracy (%)", xlim=(-0.5, len(families) - 0.5), ylim=(_floor(points), 100))
    axis.grid(False, axis="x")
    axis.tick_params(axis="x", length=0)
    legend_below(figure, [axis])
    return figure


def _families(points: pd.DataFrame) -> list[str]:
    return sorted(points["family"].unique(), key=lambda family: (place(family), family))


def _floor(points: pd.DataFrame) -> int:
    """Returns where the axis begins, in percent: a multiple of 10 below every bar and its deviation."""
    lowest = 100 * (points["mean"] - points["std"].fillna(0)).min()
    return max(0, 10 * math.floor((float(lowest) - 5) / 10))


REPORT = Report(
    title="Accuracy by family of corruptions", points=points, table=table, caption=caption, headline=True, draw=draw
)
