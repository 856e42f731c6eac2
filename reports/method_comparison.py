"""Methods side by side: mean, lowest and highest accuracy over seeds (Erichson et al. 2022, tables 2 and 3)."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.cells import cell
from reports.core.choose import base
from reports.core.compare import SETTING, compare, gain_note, gain_text, marks_note, with_gains
from reports.core.layout import by_setting
from reports.core.looks import marked, marked_note, shortened, signs
from reports.core.published import beside, note
from reports.core.report import Report
from reports.core.stats import MEASURES, by_trial, count_text, percent
from reports.core.style import PALETTE, text_width


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and measure: what `compare` tells of its accuracy, and its gain over the base
    (`reports.core.choose.base`) as `with_gains` has it."""
    long = by_trial(table).melt([*SETTING, "seed"], list(MEASURES), "measure", "value")
    if long.empty:
        return pd.DataFrame()
    over = base(table)
    frame = with_gains(compare(long, "measure"), long, "measure", dict.fromkeys(long["config"], over) if over else {})
    return beside(frame, table, "measure")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, "mean (lowest / highest)" of each measure in percent, and the gain over the base."""
    cells = []
    for row in points.itertuples():
        spread = f" ({percent(row.low)} / {percent(row.high)})" if row.n > 1 else ""
        cells.append(cell(percent(row.mean) + spread, row.best, row.worse))
    gained = _main(points)
    gained = gained[gained["gain"].notna()]
    cells += ["-" if r.base else gain_text(r.gain, r.gain_low, r.gain_high) for r in gained.itertuples()]
    rows = pd.concat([points, gained.assign(measure="gain", published=None)[list(points)]])
    return by_setting(rows, "measure", {**MEASURES, "gain": "Gain"}, cells)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    main = _main(points)
    name, over = MEASURES[main["measure"].iloc[0]].lower(), main.loc[main["base"], "label"]
    gain = f" {gain_note(main, over.iloc[0], name)}" if len(over) else ""
    return (
        f"Top-1 accuracy in percent: mean (lowest / highest) over n = {count_text(points['n'])}; in the figure mean ± "
        f"standard deviation (bars).{gain} "
        f"{marks_note(points, main, name)}{marked_note(points)}{note(points)}"
    )


def _main(points: pd.DataFrame) -> pd.DataFrame:
    """Returns the points under corruption; on clean images where nothing else was measured."""
    main = points[points["measure"] == "corruption"]
    return main if len(main) else points[points["measure"] == "clean"]


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel a measure: each setting's mean with its standard deviation; the best has a ring, what is
    significantly worse is hollow."""
    labels = points.drop_duplicates("config").set_index("config")["label"]
    measures = [m for m in MEASURES if m in points["measure"].to_numpy()]
    figure = Figure(figsize=(text_width(), 0.7 + 0.2 * len(labels)), layout="constrained")
    axes = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for axis, measure, colour in zip(axes, measures, PALETTE, strict=False):
        rows = points[points["measure"] == measure].set_index("config").reindex(labels.index)
        places = range(len(labels))
        width = 100 * rows["std"].fillna(0)
        axis.errorbar(100 * rows["mean"], places, xerr=width, fmt="none", ecolor=colour, capsize=2, linewidth=1)
        marked(axis, 100 * rows["mean"].to_numpy(), places, rows["best"].eq(True), rows["worse"].eq(True), colour)
        axis.set(title=MEASURES[measure], xlabel="top-1 accuracy (%)")
    axes[0].set_yticks(range(len(labels)), [shortened(signs(label)) for label in labels])
    axes[0].set_ylim(len(labels) - 0.4, -0.6)
    return figure


REPORT = Report(title="Methods side by side", points=points, table=table, caption=caption, headline=True, draw=draw)
