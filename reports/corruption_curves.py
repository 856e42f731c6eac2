"""Accuracy along a numeric parameter under each corruption: `accuracy_curve`, taken apart."""

import math
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.core.curves import AXES, X, common_text, curves, report_along
from reports.core.families import in_families, named
from reports.core.looks import Look, looks
from reports.core.panels import Panels
from reports.core.stats import by_corruption, count_text, percent

COLUMNS = 5
MARKED = 12
"""A curve through more points has no markers: they would be a thick line."""


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
        f"Top-1 accuracy in percent under each corruption against {x} (the axes of the panels differ), mean ± standard "
        f"deviation (bands) over n = {count_text(points['n'])}. Star and table: the {x} with the highest mean of a "
        f"curve{common_text(points.dropna(subset='optimum'))}{interval}."
    )


def draw(points: pd.DataFrame, x: str = X) -> Figure:
    """Returns a panel a corruption: curves with bands and their best, references as lines."""
    shown = in_families(points)
    arms = pd.Index(points["arm"].unique(), name="config")
    appearance = looks(pd.DataFrame({"arm": arms, "label": arms}, index=arms))
    panels = Panels(len(shown), COLUMNS, 1.25, sharex=True)
    for axis, (_, corruption) in zip(panels.axes, shown, strict=True):
        for arm, line in points[points["corruption"] == corruption].groupby("arm", sort=False):
            _line(axis, line, appearance[arm], arm, faint=min(0.18, 0.8 / len(arms)))
        axis.set_title(named(corruption), fontsize=7.5)
        axis.tick_params(labelsize=6.5, pad=2)
        axis.locator_params(nbins=3)
    panels.label(AXES.get(x, x), "top-1 accuracy (%)")
    return panels.figure


def _line(axis: Axes, line: pd.DataFrame, look: Look, arm: str, faint: float) -> None:
    """Draws a curve with its band, as opaque as `faint`, and its best; a reference as a line."""
    mean, std = 100 * line["mean"], 100 * line["std"].fillna(0)
    if line["x"].isna().all():
        style = "--" if look.linestyle == "-" else look.linestyle
        axis.axhline(mean.iloc[0], color=look.color, linestyle=style, linewidth=1.1, label=arm)
        return
    axis.fill_between(line["x"], mean - std, mean + std, color=look.color, alpha=faint, linewidth=0)
    axis.plot(line["x"], mean, color=look.color, linestyle=look.linestyle, linewidth=1.1,
              marker=look.marker if len(line) <= MARKED else "", markersize=2.5, label=arm)  # fmt: skip
    top = line[line["x"] == line["optimum"]]
    axis.plot(
        top["x"],
        100 * top["mean"],
        "*",
        color=look.color,
        markersize=8,
        markeredgecolor="white",
        markeredgewidth=0.5,
        zorder=5,
    )


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
