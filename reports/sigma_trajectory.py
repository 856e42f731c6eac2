"""Where a learned sigma goes, epoch by epoch, from each of its starts."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.curves import curve_names
from reports.core.looks import signs
from reports.core.panels import Panels
from reports.core.report import Report
from reports.core.stats import count_text, metric_name
from reports.core.style import PALETTE

KEYS = ["label", "config", "start"]


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and epoch, of settings that learn sigma: group, label, config, start, epoch, n, mean,
    std, lowest, highest, spread, drift.

    group: the curve along the start (`reports.core.curves.curve_names`): its settings differ in their start alone. n:
    seeds that have the epoch. lowest, highest: of the channels, where each has its own sigma, means over seeds.
    spread: of the group's means after the last epoch, largest over smallest, minus 1; nan with one start. drift: the
    share by which the setting's mean changed over the last quarter of the epochs.
    """
    if "sigma" not in table or "learn" not in table:
        return pd.DataFrame()
    watched = table[(table["benchmark"] == "training") & (table["learn"] == "true")]
    watched = watched[watched["metric"].isin(["sigma", "sigma_min", "sigma_max"])]
    if watched.empty:
        return pd.DataFrame()
    # The parameter of a learned sigma is its start.
    watched = watched.assign(start=pd.to_numeric(watched["sigma"]))
    by = [*KEYS, "epoch"]
    sigma = watched[watched["metric"] == "sigma"]
    frame = sigma.groupby(by, sort=False)["value"].agg(n="count", mean="mean", std="std")
    for name, metric in (("lowest", "sigma_min"), ("highest", "sigma_max")):
        frame[name] = watched[watched["metric"] == metric].groupby(by)["value"].mean()
    frame = frame.reset_index()
    frame.insert(0, "group", frame["config"].map(curve_names(table, "sigma")))
    frame = frame.sort_values(["group", "start", "epoch"], kind="stable", ignore_index=True)
    ends = frame.groupby("config").tail(1).groupby("group")["mean"]
    several = ends.count() > 1
    frame["spread"] = frame["group"].map((ends.max() / ends.min() - 1).where(several))
    frame["drift"] = frame["config"].map(frame.groupby("config").apply(_drift, include_groups=False))
    return frame


def _drift(rows: pd.DataFrame) -> float:
    """Returns the change of the mean from three quarters of the epochs to the end, as a share of the former."""
    before = rows[rows["epoch"] <= 0.75 * rows["epoch"].max()]
    earlier = before["mean"].iloc[-1] if len(before) else rows["mean"].iloc[0]
    return float(rows["mean"].iloc[-1] / earlier - 1)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: its start, n, sigma after the last epoch, its drift, and the group's spread."""
    rows = []
    for _, group in points.groupby("config", sort=False):
        last = group.iloc[-1]
        spread = "" if pd.isna(last["std"]) else f" ± {last['std']:.3f}"
        channels = "" if pd.isna(last["lowest"]) else f"{last['lowest']:.3f} to {last['highest']:.3f}"
        rows.append(
            {
                "Training": last["group"],
                "Start": f"{last['start']:g}",
                "n": str(last["n"]),
                "Epochs": str(last["epoch"]),
                "Sigma": f"{last['mean']:.3f}{spread}",
                "Channels": channels,
                "Last quarter": f"{100 * last['drift']:+.0f}%",
                "Spread over starts": "" if pd.isna(last["spread"]) else f"{100 * last['spread']:.0f}%",
            }
        )
    shown = pd.DataFrame(rows)
    return shown if shown["Channels"].any() else shown.drop(columns="Channels")


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    return (
        "The learned sigma after each epoch, from each of its starts (dots at epoch 0), mean ± standard deviation "
        f"(bands) over n = {count_text(points['n'])}; dotted: the lowest and the highest channel. Last quarter: how "
        "much the mean changed over the last quarter of the epochs; spread over starts: the largest of a training's "
        "last means over the smallest, minus 1."
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns each training's mean sigma after the last epoch, over its starts."""
    ends = points.groupby("config").tail(1).groupby("group", sort=False)["mean"].mean()
    names = {group: metric_name(group.lower().replace(", ", ".").replace(" ", "_")) for group in ends.index}
    return {f"sigma.{names[group]}": float(value) for group, value in ends.items()}


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel a training, a line a start."""
    groups = list(points["group"].unique())
    panels = Panels(len(groups), 2, 1.7, sharex=True, sharey=True)
    starts = sorted(points["start"].unique())
    for axis, group in zip(panels.axes, groups, strict=True):
        for _, rows in points[points["group"] == group].groupby("config", sort=False):
            start = rows["start"].iloc[0]
            colour = PALETTE[starts.index(start) % len(PALETTE)]
            epochs, mean, std = rows["epoch"], rows["mean"], rows["std"].fillna(0)
            axis.plot([0, *epochs], [start, *mean], color=colour, label=f"start {start:g}")
            axis.plot(0, start, "o", color=colour)
            axis.fill_between(epochs, mean - std, mean + std, color=colour, alpha=0.2, linewidth=0)
            for edge in ("lowest", "highest"):
                axis.plot(epochs, rows[edge], ":", color=colour, linewidth=0.8)
        axis.set_title(signs(group))
    panels.axes[0].set_ylim(bottom=0)
    panels.label("epoch", "σ")
    return panels.figure


REPORT = Report(title="Learned sigma by epoch", points=points, table=table, caption=caption, draw=draw, summary=summary)
