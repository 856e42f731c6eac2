"""Corruptions by settings, as a heat map: accuracies written, differences from the base as colour."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from reports.core.cells import cell
from reports.core.choose import base, limit_text, strongest
from reports.core.compare import compare, gain_text, marks_note, with_gains
from reports.core.families import in_families, named
from reports.core.heat_map import heat_map
from reports.core.layout import titles
from reports.core.looks import in_order, shortened, signs
from reports.core.report import Report
from reports.core.stats import TRIAL, by_corruption, count_text, percent
from reports.core.style import column_width, printed_width, text_width

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
    """Returns a row a corruption and a column a setting: the base's accuracy in percent, the others' gains."""
    rows = in_families(points)
    names = titles((corruption for _, corruption in rows), {})
    shown = {"Corruption": [names[corruption] for _, corruption in rows]}
    for (_, label), part in points.groupby(["config", "label"], sort=False):
        texts = {
            (r.family, r.corruption): cell(percent(r.mean) if r.base else gain_text(r.gain), r.best, r.worse)
            for r in part.itertuples()
        }
        name = f"{label} (base)" if part["base"].any() else str(label)
        while name in shown:  # of joined studies
            name += "'"
        shown[name] = [texts.get(row, "") for row in rows]
    return pd.DataFrame(shown)


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    bases = points.loc[points["base"], "label"].unique()
    gain = f"Gain: over {bases[0] if len(bases) else 'the mean of the settings'} at the seeds both have."
    return (
        f"Top-1 accuracy in percent (figure, and the base's in the table) and gains in points (colour and table), "
        f"means over severities and n = {count_text(points['n'])}. {gain} "
        f"{marks_note(points, points[points['family'] == MEAN[0]], 'mean')}{limit_text(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns the heat map, in several blocks below each other where there are many settings."""
    points = points[points["shown"]]
    settings, rows = in_order(points), in_families(points)
    blocks = math.ceil(len(settings) / NARROW)
    size = math.ceil(len(settings) / blocks)
    side = 0.155 if size > WIDE else 0.165
    head = 0.25 + 0.64 * max(printed_width(shortened(text)) for text in settings["label"])
    width = text_width() if size > 4 else column_width()
    figure = Figure(figsize=(width, blocks * (side * len(rows) + head)), layout="constrained")
    axes = figure.subplots(blocks, 1, squeeze=False)[:, 0]
    largest = 100 * float(np.nanmax(points["gain"].abs(), initial=1e-3))
    for index, axis in enumerate(axes):
        part = slice(index * size, (index + 1) * size)
        image = _block(axis, points, list(settings.index[part]), rows, largest, size)
    over = points.loc[points["base"], "label"].unique()
    label = f"points over {shortened(signs(over[0]))}" if len(over) else "points over the mean"
    figure.colorbar(image, ax=axes, label=label, aspect=30, fraction=0.03, pad=0.01)
    return figure


def _block(
    axis: Axes, points: pd.DataFrame, configs: list[str], rows: list[tuple[str, str]], largest: float, size: int
) -> AxesImage:
    """Draws some settings; `size` columns have room, so that the cells of all blocks are equally wide."""
    gain, mean = (
        100 * points.pivot(index=["family", "corruption"], columns="config", values=name).reindex(rows)[configs]
        for name in ("gain", "mean")
    )
    texts = mean.map(lambda value: "" if np.isnan(value) else f"{value:.0f}" if size > WIDE else f"{value:.1f}")
    names = [named(corruption) for _, corruption in rows]
    labels = points.drop_duplicates("config").set_index("config")["label"]
    image = heat_map(axis, gain.to_numpy(), texts.to_numpy(), [shortened(signs(labels[c])) for c in configs], names,
                     cmap=COLOURS, vmin=-largest, vmax=largest)  # fmt: skip
    axis.set(xlim=(-0.5, size - 0.5))
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    for text in axis.get_xticklabels():
        text.set(rotation=40, ha="left", rotation_mode="anchor")
    families = [family for family, _ in rows]
    for family in dict.fromkeys(families):
        first, count = families.index(family), families.count(family)
        if first:
            axis.axhline(first - 0.5, color="white", linewidth=2.5)
        if count > 1:
            axis.text(1.01, first + (count - 1) / 2, named(family), rotation=270, va="center", fontsize="small",
                      transform=axis.get_yaxis_transform())  # fmt: skip
    return image


REPORT = Report(title="Corruptions by setting", points=points, table=table, caption=caption, headline=True, draw=draw)
