"""Accuracy along a numeric parameter under each corruption: `accuracy_curve`, taken apart."""

import math
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from reports.core.curves import AXES, X, common_text, curves, report_along
from reports.core.families import cells_by_family, in_families, named
from reports.core.lines import curve_looks, draw_line
from reports.core.looks import signs
from reports.core.panels import Panels
from reports.core.stats import by_corruption, count_text, percent

COLUMNS = 4


def points(table: pd.DataFrame, x: str = X) -> pd.DataFrame:
    """Returns one row a setting and corruption, as `reports.core.curves.curves` has it, and the family.

    A trial's accuracy is the mean over severities, in its
    headline benchmark. Empty without a curve.
    """
    trials = by_corruption(table)
    trials = trials[trials["corruption"] != "clean"]
    if x not in table or trials.empty:
        return pd.DataFrame()
    families = trials.drop_duplicates("corruption").set_index("corruption")["family"]
    frame = curves(trials, table, x, "corruption").join(families, on="corruption")
    return frame.sort_values("x", kind="stable", ignore_index=True) if frame["x"].notna().any() else pd.DataFrame()


def table(points: pd.DataFrame, x: str = X) -> pd.DataFrame:
    """Returns a row a corruption: the best x of each curve, its interval, the accuracy there; the references'."""
    rows = []
    for family, corruption in in_families(points):
        cells = {"Family": family, "Corruption": named(corruption)}
        for arm, line in points[points["corruption"] == corruption].groupby("arm", sort=False):
            top = line[line["x"] == line["optimum"]]
            if line["x"].isna().all():
                cells[arm] = percent(*line[["mean", "std"]].iloc[0])
            elif len(top):
                cells[f"{arm}: best {x}"] = f"{top['optimum'].iloc[0]:g}{_interval(top)}"
                cells[f"{arm}: accuracy"] = percent(*top[["optimum_mean", "optimum_std"]].iloc[0])
        rows.append(cells)
    return pd.DataFrame(rows).fillna("")


def caption(points: pd.DataFrame, x: str = X) -> str:
    """Returns what figure and table show."""
    interval = ", with its 95% bootstrap interval over seeds" if points["optimum_low"].notna().any() else ""
    return (
        f"Top-1 accuracy in percent under each corruption against {x} (a row of panels has one scale), mean ± standard "
        f"deviation (bands) over n = {count_text(points['n'])}. Ring and table: the {x} with the highest mean of a "
        f"curve{common_text(points.dropna(subset='optimum'))}{interval}."
    )


def draw(points: pd.DataFrame, x: str = X) -> Figure:
    """Returns a panel a corruption, families in rows of one scale: curves with bands and their best, the rest as
    lines across."""
    shown, appearance = in_families(points), curve_looks(points)
    families = [family for family, _ in shown]
    panels = Panels(len(shown), COLUMNS, 1.15, cells_by_family(families, COLUMNS), sharex=True, sharey="row")
    for place, (axis, (family, corruption)) in enumerate(zip(panels.axes, shown, strict=True)):
        rows = points[points["corruption"] == corruption]
        for arm, look in appearance.items():
            group = rows[rows["arm"] == arm]
            if len(group):
                opacity = 0 if group["x"].isna().all() else min(0.18, 0.8 / len(appearance))
                draw_line(axis, group, look, signs(arm), opacity=opacity, scale=0.7)
        axis.set_title(named(corruption), fontsize="small")
        axis.tick_params(pad=2)
        axis.locator_params(nbins=4)
        if families.index(family) == place:
            axis.set_ylabel(named(family), fontweight="bold")
    panels.label(AXES.get(x, x), "top-1 accuracy (%)")
    return panels.figure


def _interval(top: pd.DataFrame) -> str:
    low, high = top[["optimum_low", "optimum_high"]].iloc[0]
    return "" if math.isnan(low) else f" [{low:g}, {high:g}]"


along = partial(
    report_along,
    "Accuracy versus {x}, corruption by corruption",
    points=points,
    table=table,
    caption=caption,
    draw=draw,
)
"""A numeric parameter's name -> the report with it on its axis."""
REPORT = along(X)
