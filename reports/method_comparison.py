"""Methods side by side: mean, lowest and highest accuracy over seeds (Erichson et al. 2022, tables 2 and 3)."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.cells import bold
from reports.core.layout import by_setting
from reports.core.paired import SETTING, compare, lead_note
from reports.core.published import beside, note
from reports.core.report import Report
from reports.core.stats import MEASURES, by_trial, count_text, percent
from reports.core.style import PALETTE, TWO_COLUMNS


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and measure: what `reports.core.paired.compare` tells of its accuracy."""
    long = by_trial(table).melt([*SETTING, "seed"], list(MEASURES), "measure", "value")
    return beside(compare(long, "measure"), table, "measure")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and "mean (lowest / highest)" of each measure in percent; what leads in bold."""
    cells = []
    for row in points.itertuples():
        spread = f" ({percent(row.low)} / {percent(row.high)})" if row.n > 1 else ""
        cells.append(bold(percent(row.mean) + spread, row.leads))
    return by_setting(points, "measure", MEASURES, cells)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    return (
        f"Top-1 accuracy in percent: mean (lowest / highest) over n = {count_text(points['n'])}. {lead_note(points)}"
        f"{note(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel a measure: each setting's mean with a line from its lowest to its highest."""
    labels = points.drop_duplicates("config").set_index("config")["label"]
    measures = [m for m in MEASURES if m in points["measure"].to_numpy()]
    figure = Figure(figsize=(TWO_COLUMNS, 0.9 + 0.22 * len(labels)), layout="constrained")
    axes = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for axis, measure, colour in zip(axes, measures, PALETTE, strict=False):
        rows = points[points["measure"] == measure].set_index("config").reindex(labels.index)
        axis.hlines(range(len(labels)), 100 * rows["low"], 100 * rows["high"], color=colour, linewidth=1.2)
        best = rows["leads"].eq(True).to_numpy()
        for chosen, marker, size in ((~best, "o", 4), (best, "*", 10)):
            places = [place for place, one in enumerate(chosen) if one]
            axis.plot(100 * rows["mean"].to_numpy()[chosen], places, marker, color=colour, markersize=size)
        axis.set(title=MEASURES[measure], xlabel="top-1 accuracy (%)")
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].set_ylim(len(labels) - 0.4, -0.6)
    return figure


REPORT = Report(title="Methods side by side", points=points, table=table, caption=caption, headline=True, draw=draw)
