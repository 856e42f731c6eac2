"""How training went: loss and validation accuracy after each epoch, setting by setting."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.core.choose import base, limit_text, strongest
from reports.core.compare import SETTING
from reports.core.lines import band_opacity, draw_curve
from reports.core.looks import in_order, looks
from reports.core.panels import Panels
from reports.core.report import Report
from reports.core.stats import by_trial, count_text, percent

LIMIT = 14
METRICS = {"train_loss": "training loss", "val_accuracy": "validation accuracy (%)"}
"""Metric of an epoch -> its axis."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting, metric of METRICS and epoch: SETTING, metric, epoch, n, mean, std, shown.

    n: the seeds that have the epoch; mean and std are over them. shown: whether the figure shows the setting. Empty
    where no accuracy was measured.
    """
    rows = table[(table["benchmark"] == "training") & table["metric"].isin(list(METRICS))].dropna(subset="value")
    if rows.empty or by_trial(table).empty:
        return pd.DataFrame()
    groups = rows.groupby([*SETTING, "metric", "epoch"], sort=False)["value"]
    frame = groups.agg(n="count", mean="mean", std="std").reset_index().sort_values("epoch", kind="stable")
    return frame.assign(shown=frame["config"].isin(strongest(table, LIMIT, base(table)))).reset_index(drop=True)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, epochs, loss and validation accuracy after the last, and the epoch of the best."""
    rows = []
    by_config = dict(list(points.groupby("config", sort=False)))
    for config in in_order(points).index:
        group = by_config[config]
        cells = {"Training": group["label"].iloc[0], "n": str(group["n"].max()), "Epochs": str(group["epoch"].max())}
        for metric, part in group.groupby("metric", sort=False):
            last = part.iloc[-1]
            if metric == "train_loss":
                spread = "" if pd.isna(last["std"]) else f" ± {last['std']:.3f}"
                cells["Training loss"] = f"{last['mean']:.3f}{spread}"
            else:
                cells["Validation accuracy"] = percent(last["mean"], last["std"])
                cells["Best after epoch"] = str(part.loc[part["mean"].idxmax(), "epoch"])
        rows.append(cells)
    return pd.DataFrame(rows).fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    return (
        "Training loss and top-1 accuracy on validation images in percent after each epoch (in the table after the "
        f"last), mean ± standard deviation (bands) over n = {count_text(points['n'])}. Best after epoch: where the "
        f"mean validation accuracy is highest.{limit_text(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel for the loss and one for the accuracy, a line a setting."""
    points = points[points["shown"]]
    settings = in_order(points)
    appearance = looks(settings)
    metrics = [metric for metric in METRICS if metric in points["metric"].to_numpy()]
    panels = Panels(len(metrics), 2, 2.2)
    for axis, metric in zip(panels.axes, metrics, strict=True):
        scale = 100 if metric == "val_accuracy" else 1
        by_config = dict(list(points[points["metric"] == metric].groupby("config")))
        for config, look in appearance.items():
            if config not in by_config:
                continue
            line = by_config[config]
            draw_curve(axis, line["epoch"], scale * line["mean"], scale * line["std"], look, settings["label"][config],
                       opacity=band_opacity(len(settings)), marker=look.marker if len(line) == 1 else "")  # fmt: skip
        axis.set_title(METRICS[metric])
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels.label("epoch", "")
    return panels.figure


REPORT = Report(title="Training, epoch by epoch", points=points, table=table, caption=caption, draw=draw)
