"""Reliability diagrams (Guo et al. 2017, figure 1): is a confidence of 80% right four times out of five?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.core.choose import base, limit_text, strongest
from reports.core.compare import MARKS, SETTING, compare, marks_note
from reports.core.layout import by_setting
from reports.core.looks import in_order, shortened
from reports.core.panels import Panels
from reports.core.report import Report
from reports.core.stats import TRIAL, count_text, percent
from reports.core.style import PALETTE

LIMIT = 12
KEYS = [*SETTING, "images"]
ECE = {"n": "ece_n", "mean": "ece", "std": "ece_std"} | {name: f"ece_{name}" for name in MARKS}
"""Columns of `compare` -> what they are called beside those of the bins."""
FEW = 0.01
"""Bins with a smaller share of the predictions are not drawn: chance decides their accuracy."""
IMAGES = {"clean": "Clean", "corrupted": "Corrupted"}
"""Which images -> how they are called in print."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting, images and bin: SETTING, images, bin, n, confidence, accuracy, ...

    images: "clean", or "corrupted": all corruptions and severities together. bin: from 1, of equal width. confidence,
    accuracy: means over the n seeds that have predictions in the bin; accuracy_std their deviation; share: of all
    predictions, the mean over all seeds. ece, ece_std, ece_n and MARKS as ece_best and so on:
    what `compare` tells of the expected calibration error sum_b share_b |accuracy_b - confidence_b|, the same in all
    bins. shown: whether the figure shows the setting.
    """
    rows = table[table["benchmark"] == "reliability"]
    if rows.empty:
        return pd.DataFrame()
    rows = rows.assign(bin=rows["corruption"].str.removeprefix("bin ").astype(int))
    wide = rows.pivot_table(index=[*TRIAL, "severity", "bin"], columns="metric", values="value", sort=False)
    wide = wide.reset_index().rename_axis(columns=None)
    wide["images"] = np.where(wide["severity"] == 0, "clean", "corrupted")
    trials = [*TRIAL, "images"]
    # Severities have equally many images, so that shares average.
    wide["share"] = wide["bin_share"] / wide.groupby(trials)["severity"].transform("nunique")
    for name in ("confidence", "accuracy"):
        wide[name] = wide[f"bin_{name}"] * wide["share"]
    each = wide.groupby([*trials, "bin"], sort=False)[["share", "confidence", "accuracy"]].sum().reset_index()
    each["gap"] = (each["accuracy"] - each["confidence"]).abs()
    errors = compare(each.groupby(trials, sort=False)["gap"].sum().rename("value").reset_index(), "images", (*IMAGES,))
    errors = errors.rename(columns=ECE)
    for name in ("confidence", "accuracy"):
        each[name] /= each["share"]
    bins = each.groupby([*KEYS, "bin"], sort=False).agg(
        n=("accuracy", "count"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean"),
        accuracy_std=("accuracy", "std"), share=("share", "sum"),
    )  # fmt: skip
    frame = bins.reset_index().merge(errors[[*KEYS, *ECE.values()]], on=KEYS)
    frame["share"] /= frame["ece_n"]
    places = frame.groupby("config", sort=False).ngroup()  # settings stay in the study's order
    frame = frame.assign(place=places).sort_values(["place", "images", "bin"], ignore_index=True).drop(columns="place")
    return frame.assign(shown=frame["config"].isin(strongest(table, LIMIT, base(table))))


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, and the ECE on each kind of images in percent."""
    names = {name: f"ECE, {title.lower()}" for name, title in IMAGES.items()}
    return by_setting(_errors(points), "images", names)


def _errors(points: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and images: what `compare` tells of the ECE."""
    rows = points.drop_duplicates(["config", "images"])[[*KEYS, *ECE.values()]]
    return rows.set_axis([*KEYS, *ECE], axis=1)


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    corrupted = ", and under all corruptions together" if (points["images"] == "corrupted").any() else ""
    errors = _errors(points)
    main = next(name for name in reversed(IMAGES) if name in set(errors["images"]))
    return (
        f"Accuracy against confidence in {points['bin'].max()} bins on clean images{corrupted}; below the diagonal the "
        "network is too sure, steps are the share of predictions in a bin (points from "
        f"{FEW:.0%} on). ECE: expected calibration error in percent, mean ± standard deviation (bands) over "
        f"n = {count_text(points['ece_n'])}. {marks_note(errors, errors[errors['images'] == main], f'ECE, {main}')}"
        f"{limit_text(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel a setting: accuracy against confidence with a band, the shares, and the ECE."""
    points = points[points["shown"]]
    settings = in_order(points)
    panels = Panels(len(settings), 4, 1.75, sharex=True, sharey=True)
    for axis, (config, label) in zip(panels.axes, settings["label"].items(), strict=True):
        _panel(axis, points[points["config"] == config], label)
    panels.axes[0].set(xlim=(0, 1), ylim=(0, 1))
    panels.axes[0].set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    panels.axes[0].set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
    panels.label("confidence", "accuracy")
    return panels.figure


def _panel(axis: Axes, rows: pd.DataFrame, label: str) -> None:
    """Draws a setting; its ECEs stand above the panel, where no curve runs."""
    axis.plot((0, 1), (0, 1), color="0.5", linestyle=":", linewidth=0.9)
    axis.set_title(shortened(label, 22), pad=22, fontsize="medium")
    edges = np.linspace(0, 1, rows["bin"].max() + 1)
    for (name, title), colour, marker, height in zip(IMAGES.items(), PALETTE, "os", (1.13, 1.02), strict=False):
        line = rows[rows["images"] == name]
        if line.empty:
            continue
        shares = line.set_index("bin")["share"].reindex(range(1, len(edges)), fill_value=0)
        axis.stairs(shares, edges, color=colour, fill=name == "clean", alpha=0.3 if name == "clean" else 0.8)
        line = line[line["share"] >= FEW]
        low, high = (line["accuracy"] + sign * line["accuracy_std"].fillna(0) for sign in (-1, 1))
        axis.fill_between(line["confidence"], low, high, color=colour, alpha=0.2, linewidth=0)
        axis.plot(line["confidence"], line["accuracy"], color=colour, marker=marker, markersize=3, label=title.lower())
        text = f"ECE {percent(line['ece'].iloc[0], line['ece_std'].iloc[0])}"
        axis.text(0.5, height, text, color=colour, ha="center", fontsize="small", transform=axis.transAxes)


REPORT = Report(title="Reliability of confidences", points=points, table=table, caption=caption, draw=draw)
