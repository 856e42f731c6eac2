"""Accuracy against severity, from clean images (0) to the strongest corruption: all corruptions, and each family."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.choose import base, limit_text, strongest
from reports.core.compare import compare, marks_note
from reports.core.families import named, place
from reports.core.layout import by_setting
from reports.core.lines import band_opacity, draw_curve
from reports.core.looks import in_order, looks
from reports.core.panels import Panels
from reports.core.report import Report
from reports.core.stats import corrupted, count_text

LIMIT = 14
ALL = "all"


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting, family and severity: what `compare` tells of the accuracy, and shown.

    The accuracy of a trial is the mean over the family's corruptions at this severity, in the trial's headline
    benchmark; of family "all" over all corruptions; severity 0 is clean images, the same in every family. Corruptions
    that lack a severity of their benchmark do not count: each point of a curve is over the same. shown: whether the
    figure shows the setting. Empty where no corruption has two severities.
    """
    clean = table[(table["metric"] == "accuracy") & (table["benchmark"] == "clean")]
    rows = corrupted(table)
    rows = rows[_complete(rows)]
    if rows.empty:
        return pd.DataFrame()
    long = pd.concat([
        part.assign(family=family)
        for family, group in [*rows.groupby("family", sort=False), (ALL, rows)]
        for part in (clean, group)
    ])  # fmt: skip
    long["place"] = long["family"] + " " + long["severity"].astype(int).astype(str)
    about = long.drop_duplicates("place").set_index("place")[["family", "severity"]].astype({"severity": int})
    frame = compare(long, "place").join(about, on="place").drop(columns="place")
    frame = frame.sort_values("severity", kind="stable", ignore_index=True)
    return frame.assign(shown=frame["config"].isin(strongest(table, LIMIT, base(table))))


def _complete(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Returns which rows are of corruptions that have every severity of their benchmark, of which it has several."""
    every = rows.groupby("benchmark")["severity"].transform("nunique")
    return (rows.groupby(["benchmark", "corruption"])["severity"].transform("nunique") == every) & (every > 1)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and the accuracy over all corruptions at each severity in percent."""
    rows = points[points["family"] == ALL]
    names = {severity: f"Severity {severity}" if severity else "Clean" for severity in rows["severity"].unique()}
    return by_setting(rows, "severity", names)


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    rows = points[points["family"] == ALL]
    last = rows["severity"].max()
    return (
        "Top-1 accuracy in percent against severity (0: clean images), over all corruptions that have every severity "
        f"and, in the figure, over each family. Mean ± standard deviation (bands) over n = {count_text(points['n'])}. "
        f"{marks_note(rows, rows[rows['severity'] == last], f'severity {last}')}{limit_text(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel for all corruptions and one for each family, a line a setting."""
    points = points[points["shown"]]
    settings = in_order(points)
    appearance = looks(settings)
    families = [ALL, *sorted(set(points["family"]) - {ALL}, key=lambda family: (place(family), family))]
    panels = Panels(len(families), 3, 1.75, sharex=True, sharey=True)
    for axis, family in zip(panels.axes, families, strict=True):
        rows = points[points["family"] == family]
        for config, look in appearance.items():
            line = rows[rows["config"] == config]
            draw_curve(axis, line["severity"], 100 * line["mean"], 100 * line["std"], look, settings["label"][config],
                       opacity=band_opacity(len(settings)), marker=look.marker)  # fmt: skip
        axis.set_title(named(family))
        axis.tick_params(labelbottom=True)
    panels.axes[0].set_xticks(sorted(points["severity"].unique()))
    panels.label("severity (0: clean)", "top-1 accuracy (%)")
    return panels.figure


REPORT = Report(
    title="Accuracy against severity", points=points, table=table, caption=caption, headline=True, draw=draw
)
