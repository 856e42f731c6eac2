"""Corruptions by settings, as a heat map: accuracies written, differences from the base as colour."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from reports.core.cells import cell
from reports.core.choose import base, limit_text, strongest
from reports.core.compare import compare, gain_note, gain_text, marks_note, with_gains
from reports.core.families import in_families, named
from reports.core.layout import by_setting, titles
from reports.core.looks import in_order, shortened, signs
from reports.core.report import Report
from reports.core.stats import TRIAL, by_corruption, count_text, percent
from reports.core.style import column_width, text_width

LIMIT = 40
WIDE = 14
"""Settings side by side with one decimal. More get whole percents; more than `NARROW` another block."""
NARROW = 20
MEAN = ("all", "mean")
"""Family and corruption of the last row."""
COLOURS = "RdBu"
"""Red is worse and blue is better: told apart under every common colour blindness."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and corruption: what `compare` tells of the accuracy, its gain over the base
    (`reports.core.choose.base`) as `with_gains` has it, family, and shown.

    Accuracies are means over severities, in a trial's headline benchmark. Family "clean" is clean images, "all" the
    mean over corruptions. Without a base the gain is the difference from the mean over settings, and has no interval.
    shown: whether the figure shows the setting. Empty below two settings.
    """
    trials = by_corruption(table).rename(columns={"accuracy": "value"})
    corrupted = trials[trials["corruption"] != "clean"]
    if corrupted.empty or trials["config"].nunique() < 2:
        return pd.DataFrame()
    whole = corrupted.groupby(TRIAL, sort=False)["value"].mean().reset_index()
    trials = pd.concat([trials.fillna({"family": "clean"}), whole.assign(family=MEAN[0], corruption=MEAN[1])])
    families = trials.drop_duplicates("corruption").set_index("corruption")["family"]
    frame = compare(trials, "corruption").join(families, on="corruption")
    reference = base(table)
    over = dict.fromkeys(trials["config"], reference) if reference else {}
    frame = with_gains(frame, trials, "corruption", over)
    if reference is None:
        frame["gain"], frame["gain_n"] = (
            frame["mean"] - frame.groupby("corruption")["mean"].transform("mean"),
            frame["n"],
        )
    return frame.assign(shown=frame["config"].isin(strongest(table, LIMIT, reference)))


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting and a column a corruption: the base's accuracy in percent, the others' gains."""
    cells = [
        cell(percent(r.mean, r.std) if r.base else gain_text(r.gain, r.gain_low, r.gain_high), r.best, r.worse)
        for r in points.itertuples()
    ]
    shown = by_setting(points, "corruption", titles((c for _, c in in_families(points)), {}), cells)
    bases = points.drop_duplicates("config")["base"].to_numpy()
    return shown.assign(Training=shown["Training"].where(~bases, shown["Training"] + " (base)"))


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    bases = points.loc[points["base"], "label"].unique()
    gain = gain_note(points, bases[0]) if len(bases) else "Gain: over the mean of the settings."
    return (
        f"Top-1 accuracy in percent (figure, and the base's in the table) and gains in points (colour and table), mean "
        f"over severities and n = {count_text(points['n'])}. {gain} "
        f"{marks_note(points, points[points['family'] == MEAN[0]], 'mean')}{limit_text(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns the heat map, in several blocks below each other where there are many settings."""
    points = points[points["shown"]]
    settings, rows = in_order(points), in_families(points)
    blocks = math.ceil(len(settings) / NARROW)
    size = math.ceil(len(settings) / blocks)
    side = 0.155 if size > WIDE else 0.165
    names = [shortened(text) for text in settings["label"]]
    head = 0.25 + 0.042 * max(map(len, names))
    width = text_width() if size > 4 else column_width()
    figure = Figure(figsize=(width, blocks * (side * len(rows) + head)), layout="constrained")
    axes = figure.subplots(blocks, 1, squeeze=False)[:, 0]
    largest = 100 * float(np.nanmax(points["gain"].abs(), initial=1e-3))
    for index, axis in enumerate(axes):
        part = slice(index * size, (index + 1) * size)
        image = _block(axis, points, list(settings.index[part]), rows, largest, size)
        axis.set_xticks(range(len(names[part])), names[part], rotation=40, ha="left", rotation_mode="anchor")
    over = points.loc[points["base"], "label"].unique()
    label = f"points over {shortened(signs(over[0]))}" if len(over) else "points over the mean"
    figure.colorbar(image, ax=axes, label=label, aspect=30, fraction=0.03, pad=0.01)
    return figure


def _block(
    axis: Axes, points: pd.DataFrame, configs: list[str], rows: list[tuple[str, str]], largest: float, size: int
) -> AxesImage:
    """Draws some settings; `size` columns have room, so that the cells of all blocks are equally wide."""
    grids = [
        100 * points.pivot(index=["family", "corruption"], columns="config", values=name).reindex(rows)[configs]
        for name in ("gain", "mean")
    ]
    gain, mean = (grid.to_numpy() for grid in grids)
    axis.set_facecolor("0.85")  # a cell without a difference
    image = axis.imshow(gain, cmap=COLOURS, vmin=-largest, vmax=largest, aspect="auto")
    for (row, column), value in np.ndenumerate(mean):
        if np.isnan(value):
            continue
        strong = abs(gain[row, column]) > 0.6 * largest
        text = f"{value:.0f}" if size > WIDE else f"{value:.1f}"
        cell = axis.text(column, row, text, ha="center", va="center", fontsize=6.5)
        cell.set(color="white" if strong else "black", in_layout=False)  # inside its axis: nothing to lay out
    axis.set_yticks(range(len(rows)), [named(corruption) for _, corruption in rows])
    axis.set(xlim=(-0.5, size - 0.5))
    axis.grid(False)
    axis.xaxis.tick_top()
    axis.tick_params(length=0, labelsize=7)
    axis.spines[:].set_visible(False)
    families = [family for family, _ in rows]
    for family in dict.fromkeys(families):
        first, count = families.index(family), families.count(family)
        if first:
            axis.axhline(first - 0.5, color="white", linewidth=2.5)
        if count > 1:
            axis.text(1.01, first + (count - 1) / 2, named(family), rotation=270, va="center", fontsize=7,
                      transform=axis.get_yaxis_transform())  # fmt: skip
    return image


REPORT = Report(title="Corruptions by setting", points=points, table=table, caption=caption, headline=True, draw=draw)
