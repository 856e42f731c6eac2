"""Certified accuracy against radius, by randomised smoothing with each sigma (Cohen et al. 2019)."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.cells import cell
from reports.core.choose import limit_text, strongest
from reports.core.compare import SETTING, compare, marks_note
from reports.core.lines import draw_curve
from reports.core.looks import in_order, looks
from reports.core.panels import Panels
from reports.core.report import Report
from reports.core.stats import count_text, percent

NAME = "certified"
LIMIT = 8


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting, smoothing sigma and radius: what `compare` tells of the certified accuracy; number,
    smoothing (its name), radius, abstained and average_radius (means over seeds, of the smoothing sigma), shown.

    Empty where nothing was certified.
    """
    rows = table[table["benchmark"] == NAME].rename(columns={"corruption": "smoothing"})
    if rows.empty:
        return pd.DataFrame()
    place = ["trial", "smoothing"]
    radius = rows[rows["metric"] == "radius"].set_index([*place, "severity"])["value"].rename("radius")
    accuracy = rows[rows["metric"] == "accuracy"].join(radius, on=[*place, "severity"]).dropna(subset="radius")
    if accuracy.empty:
        return pd.DataFrame()
    accuracy = accuracy.assign(number=accuracy["smoothing"] + " at " + accuracy["radius"].map("{:g}".format))
    frame = compare(accuracy[[*SETTING, "seed", "number", "value"]], "number")
    about = accuracy.drop_duplicates("number").set_index("number")[["smoothing", "radius"]]
    whole = rows[rows["metric"].isin(["abstained", "average_radius"])]
    whole = whole.pivot_table(index=["config", "smoothing"], columns="metric", values="value")
    frame = frame.join(about, on="number").join(whole, on=["config", "smoothing"])
    return frame.assign(shown=frame["config"].isin(strongest(table, LIMIT)))


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a smoothing sigma and setting, a column a radius: certified accuracy in percent; the share that
    abstains and the average radius.
    """
    radii = sorted(points["radius"].unique())
    rows = []
    for smoothing in _smoothings(points):
        here = points[points["smoothing"] == smoothing]
        for config in in_order(here).index:
            mine = here[here["config"] == config].set_index("radius")
            cells = dict.fromkeys((f"{r:g}" for r in radii), "")
            for row in mine.itertuples():
                cells[f"{row.Index:g}"] = cell(percent(row.mean, row.std), row.best, row.worse)
            first = mine.iloc[0]
            extra = {
                "Abstains": percent(first.get("abstained", float("nan"))),
                "Average radius": "" if pd.isna(first.get("average_radius")) else f"{first['average_radius']:.3f}",
            }
            about = {"Smoothing": smoothing, "Training": first["label"], "n": str(mine["n"].max())}
            rows.append({**about, **cells, **extra})
    return pd.DataFrame(rows)


def _smoothings(points: pd.DataFrame) -> list[str]:
    return sorted(points["smoothing"].unique(), key=lambda name: (len(name.split(".")[0]), name))


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    positive = points[points["radius"] > 0]
    main = positive if len(positive) else points
    main = main[main["radius"] == main["radius"].min()]
    return (
        "Certified top-1 accuracy in percent: the share of images that the smoothed classifier gets right, and that no "
        "perturbation below the radius (L2, pixels of [0, 1]) can change, up to floating-point effects; one panel, or "
        "block of rows, a sigma of the smoothing noise. Mean ± standard deviation (bands) over n = "
        f"{count_text(points['n'])}. {marks_note(points, main, 'the smallest radius')}{limit_text(points)}"
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the best certified accuracy at each radius, over settings and smoothing sigmas."""
    return {f"certified.{radius:g}": float(best) for radius, best in points.groupby("radius")["mean"].max().items()}


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel a smoothing sigma, a curve a setting."""
    points = points[points["shown"]]
    settings, smoothings = in_order(points), _smoothings(points)
    appearance = looks(settings)
    panels = Panels(len(smoothings), 2, 1.9, sharex=True, sharey=True)
    for axis, smoothing in zip(panels.axes, smoothings, strict=True):
        for config, label in settings["label"].items():
            mine = points[(points["config"] == config) & (points["smoothing"] == smoothing)].sort_values("radius")
            look = appearance[str(config)]
            draw_curve(axis, mine["radius"], 100 * mine["mean"], 100 * mine["std"], look, label,
                       opacity=0.2, marker=look.marker, width=1.4)  # fmt: skip
        axis.set_title(f"smoothed with {smoothing.replace('sigma', 'σ')}")
        axis.set_ylim(bottom=0)
    panels.label("radius", "certified accuracy (%)")
    return panels.figure


REPORT = Report(title="Certified accuracy", points=points, table=table, caption=caption, draw=draw, summary=summary)
