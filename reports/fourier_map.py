"""Sensitivity to spatial frequencies (Yin et al. 2019): error over the frequency that is added, and its change."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from reports.core.choose import base, base_label, strongest
from reports.core.compare import SETTING, compare, gain_note, gain_text, with_gains
from reports.core.looks import in_order, shortened
from reports.core.report import Report
from reports.core.stats import TRIAL, count_text, percent
from reports.core.style import text_width

NAME = "fourier"
"""The metric whose rows it reads."""
BANDS = {"low": "Low", "middle": "Middle", "high": "High"}
SHOWN = 4
"""Settings in the figure: the base and the strongest."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns two kinds of rows. Of cells: SETTING, row, column (frequencies down and across), n, mean: the error, the
    mean over seeds; change: from the base, at the seeds both have. Of bands: what `compare` tells of the accuracy in a
    third of the frequencies, band, and its gain over the base as `with_gains` has it. Both with base_label and shown.

    The band of a frequency is by the larger of its absolute row and column. Empty where nothing of it was measured.
    """
    rows = table[(table["benchmark"] == NAME) & (table["metric"] == "error")]
    if rows.empty:
        return pd.DataFrame()
    cells = rows[[*TRIAL, "corruption", "severity", "value"]].copy()
    cells["row"] = cells["corruption"].str.removeprefix("row ").astype(int)
    middle = int(cells["row"].max()) // 2
    cells["row"], cells["column"] = cells["row"] - middle, cells["severity"] - middle
    reference = base(table)
    maps = _maps(cells, reference)
    size = np.maximum(cells["row"].abs(), cells["column"].abs())
    names = np.select([size <= middle / 3, size <= 2 * middle / 3], ["low", "middle"], "high")
    long = cells.assign(value=1 - cells["value"], band=names)
    long = long.groupby([*TRIAL, "band"], sort=False)["value"].mean().reset_index()
    bands = compare(long, "band")
    over = dict.fromkeys(long["config"], reference) if reference else {}
    bands = with_gains(bands, long, "band", over)
    shown = strongest(table, SHOWN, reference)
    frame = pd.concat([bands, maps], ignore_index=True)
    return frame.assign(base_label=base_label(table), shown=frame["config"].isin(shown))


def _maps(cells: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """Returns the rows of cells."""
    keys = [*SETTING, "row", "column"]
    frame = cells.groupby(keys, sort=False)["value"].agg(n="count", mean="mean").reset_index()
    theirs = cells.loc[cells["config"] == reference, ["seed", "row", "column", "value"]]
    both = cells.merge(theirs, on=["seed", "row", "column"], suffixes=("", "_base"))
    both["change"] = both["value"] - both["value_base"]
    change = both.groupby(["config", "row", "column"])["change"].mean().reset_index()
    return frame.merge(change, on=["config", "row", "column"], how="left")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, accuracy in percent and gain in points where low, middle and high frequencies are
    added.
    """
    bands = points[points["band"].notna()]
    rows = []
    for config in in_order(bands).index:
        mine = bands[bands["config"] == config].set_index("band")
        row = {"Training": mine["label"].iloc[0], "n": str(int(mine["n"].max()))}
        for band, name in BANDS.items():
            row[name] = percent(mine.loc[band, "mean"], mine.loc[band, "std"]) if band in mine.index else ""
        for band, name in BANDS.items():
            there = band in mine.index and not mine.loc[band, "base"]
            ends = mine.loc[band, ["gain", "gain_low", "gain_high"]] if there else [float("nan")] * 3
            row[f"Gain, {name.lower()}"] = gain_text(*ends)
        rows.append(row)
    return pd.DataFrame(rows)


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    label = points["base_label"].iloc[0]
    gain = "" if pd.isna(label) else f" {gain_note(points[points['band'].notna()], label)}"
    change = "" if pd.isna(label) else " Below: the change from the base, in points (blue: fewer errors)."
    return (
        "Figure: error in percent when one spatial frequency is added to the images, the mean over n = "
        f"{count_text(points['n'].astype(int))}; frequency 0 is in the middle, and the highest ones are at the edges."
        f"{change} Table: top-1 accuracy in percent, mean ± standard deviation, over the lowest, middle and highest "
        f"third of the frequencies.{gain}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a map a setting, and below each its change from the base."""
    cells = points[points["shown"] & points["band"].isna()]
    settings = in_order(cells)
    changed = bool(cells["change"].abs().max() > 0)
    width = text_width() / max(len(settings), 2)
    figure = Figure(figsize=(text_width(), (2 if changed else 1) * width + 0.3), layout="constrained")
    axes = figure.subplots(2 if changed else 1, len(settings), squeeze=False)
    top = 100 * float(cells["mean"].max())
    most = 100 * float(cells["change"].abs().max()) if changed else 1.0
    for column, (config, label) in enumerate(settings["label"].items()):
        mine = cells[cells["config"] == config]
        errors = _map(axes[0, column], mine, "mean", cmap="viridis", vmin=0, vmax=top)
        axes[0, column].set_title(shortened(label, 16))
        if changed and not mine["change"].any():  # the base
            axes[1, column].set_axis_off()
        elif changed:
            changes = _map(axes[1, column], mine, "change", cmap="RdBu_r", vmin=-most, vmax=most)
    figure.colorbar(errors, ax=axes[0], label="error (%)", fraction=0.04, pad=0.01)
    if changed:
        figure.colorbar(changes, ax=axes[1], label="points", fraction=0.04, pad=0.01)
    axes[0, 0].set_ylabel("frequency down")
    axes[0, 0].set_xlabel("frequency across")
    return figure


def _map(axis: Axes, cells: pd.DataFrame, name: str, **colours: Any) -> AxesImage:
    grid = 100 * cells.pivot(index="row", columns="column", values=name)
    edge = float(grid.index.max()) + 0.5
    image = axis.imshow(grid.to_numpy(float), extent=(-edge, edge, edge, -edge), **colours)
    axis.grid(False)
    ends = [-int(edge), 0, int(edge)]
    axis.set_xticks(ends)
    axis.set_yticks(ends)
    return image


REPORT = Report(title="Sensitivity to frequencies", points=points, table=table, caption=caption, draw=draw)
