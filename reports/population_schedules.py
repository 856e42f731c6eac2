"""The schedules of a population: each member's values and accuracy by epoch, and who copied whom."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.core.looks import LINES, signs
from reports.core.panels import Panels
from reports.core.report import Report
from reports.core.stats import percent
from reports.core.style import PALETTE

BENCHMARK = "population"
BESIDE = {"source", "time", "train_loss"}
SCORE = "score"


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a member, metric and epoch: member, metric, epoch, value, and best.

    metric: a mutated parameter (the value that held in the epoch), "val_accuracy", "score" (the objective on validation
    data at the end of an interval), or "source" (at the epoch after which the member copied the member `value`).
    best: whether the state is on the way of the member that ends best: its own, or before a copy its source's.
    """
    rows = table[table["benchmark"] == BENCHMARK]
    if rows.empty:
        return pd.DataFrame()
    frame = pd.DataFrame({
        "member": rows["severity"].astype(int),
        "metric": rows["metric"], "epoch": rows["epoch"].astype(int), "value": rows["value"],
    })  # fmt: skip
    frame = frame[~frame["metric"].isin(BESIDE - {"source"})]
    frame = frame.sort_values(["metric", "member", "epoch"], ignore_index=True)
    way = _way(frame)
    best = [way.get(epoch) == member for epoch, member in zip(frame["epoch"], frame["member"], strict=True)]
    return frame.assign(best=best)


def _way(found: pd.DataFrame) -> dict[int, int]:
    """Returns epoch -> the member whose state of that epoch became the best at the end."""
    scores = found[found["metric"] == SCORE]
    last = scores[scores["epoch"] == scores["epoch"].max()].sort_values(["value", "member"])
    member = int(last["member"].iloc[-1])
    copies = found[found["metric"] == "source"].set_index(["member", "epoch"])["value"].to_dict()
    way = {}
    for epoch in range(int(found["epoch"].max()), 0, -1):
        member = int(copies.get((member, epoch), member)) if epoch < found["epoch"].max() else member
        way[epoch] = member
    return way


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns the best member's way: a row for each stretch of equal values, and the score at its end."""
    way = points[points["best"]]
    wide = way[way["metric"] != "source"].pivot(index="epoch", columns="metric", values="value")
    names = _names(points)
    changed = (wide[names] != wide[names].shift()).any(axis=1).cumsum()
    rows = []
    for _, stretch in wide.groupby(changed):
        scores = stretch[SCORE].dropna() if SCORE in stretch else pd.Series(dtype=float)
        cells = {"From epoch": str(stretch.index[0]), "To": str(stretch.index[-1])}
        cells |= {name: f"{stretch[name].iloc[0]:.3g}" for name in names}
        rows.append({**cells, "Score": percent(scores.iloc[-1]) if len(scores) else ""})
    return pd.DataFrame(rows)


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    copies = points[points["metric"] == "source"]
    way = points[points["best"] & points["metric"].isin(_names(points))]
    changed = (way.groupby("metric")["value"].nunique() > 1).any()
    return (
        f"Each line is one of {points['member'].nunique()} members; where it copies another, {len(copies)} times in "
        "all, a dotted line comes from the other's value. The wide grey line, and the table, is the way of the state "
        "that was best at the end; scores are accuracies in percent on the validation split. "
        + (
            "Whether it is better than fixed values: its mean ones over the epochs (geometric where the range is "
            "logarithmic) are trained beside it from the start, with every seed."
            if changed
            else "Its values never change: it is a fixed setting itself."
        )
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel for each parameter and one for the score."""
    names = [*_names(points), SCORE]
    panels = Panels(len(names), 3, 1.7, sharex=True)
    copies = points[points["metric"] == "source"]
    for axis, name in zip(panels.axes, names, strict=True):
        factor = 100 if name == SCORE else 1
        rows = points[points["metric"] == name]
        values = {(r.member, r.epoch): factor * r.value for r in rows.itertuples()}
        form: dict[str, Any] = {"drawstyle": "default" if name == SCORE else "steps-mid"}
        way = rows[rows["best"]].sort_values("epoch")
        axis.plot(way["epoch"], factor * way["value"], color="0.8", linewidth=6, label="way to the best", **form)
        for member, group in rows.groupby("member"):
            turn, colour = divmod(int(member), len(PALETTE))
            axis.plot(group["epoch"], factor * group["value"], color=PALETTE[colour],
                      linestyle=LINES[turn % len(LINES)], linewidth=1, label=f"member {member}", **form)  # fmt: skip
        for copy in copies.itertuples():
            left, right = values.get((int(copy.value), copy.epoch)), values.get((copy.member, copy.epoch + 1))
            if left is not None and right is not None:
                axis.plot([copy.epoch, copy.epoch + 1], [left, right], ":", color="0.3", linewidth=0.8)
        positive = rows["value"].to_numpy()
        if name != SCORE and positive.min() > 0 and np.ptp(np.log10(positive)) > 1:
            axis.set_yscale("log")
        axis.set(title="validation score (%)" if name == SCORE else signs(name))
    panels.label("epoch", "")
    return panels.figure


def _names(points: pd.DataFrame) -> list[str]:
    return sorted(set(points["metric"]) - {SCORE, "source", "val_accuracy"} - BESIDE)


REPORT = Report(
    title="Schedules of the population", points=points, table=table, caption=caption, draw=draw, reads="population"
)
