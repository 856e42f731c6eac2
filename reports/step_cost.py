"""What a training step costs in time and memory, beside vanilla's."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.report import Report
from reports.core.stats import count_text
from reports.core.style import PALETTE, text_width

VANILLA = "vanilla"


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a way of training: training, steps (of its attack, else 0), n, and of each number its mean.

    seconds, ratio (to vanilla's step of the same round) and memory (bytes at once, beyond weights, optimiser and
    batch), memory_ratio (to vanilla's). ratio_std: over runs; ratio_low, ratio_high: quartiles over the rounds of a
    run. n: runs.
    """
    rows = table[table["benchmark"] == "step_cost"]
    if rows.empty:
        return pd.DataFrame()
    ways = rows.groupby(["corruption", "severity", "metric"], sort=False)["value"]
    frame = ways.mean().unstack("metric")
    frame["ratio_std"] = ways.std().unstack("metric")["ratio"]
    frame["n"] = ways.count().unstack("metric")["ratio"]
    frame = frame.rename_axis(index=["training", "steps"], columns=None).reset_index()
    frame["memory_ratio"] = frame["memory"] / frame.loc[frame["training"] == VANILLA, "memory"].iloc[0]
    frame = frame.astype({"steps": int, "n": int}).sort_values("ratio", kind="stable", ignore_index=True)
    return frame[
        ["training", "steps", "n", "seconds", "ratio", "ratio_std", "ratio_low", "ratio_high", "memory", "memory_ratio"]
    ]


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a way of training: milliseconds, ratio with its spread and quartiles, megabytes."""
    return pd.DataFrame(
        {
            "Training": [_name(row) for row in points.itertuples()],
            "n": points["n"].astype(str),
            "ms a step": [f"{1000 * v:.2f}" for v in points["seconds"]],
            "x vanilla": [
                f"{v:.2f}" + ("" if pd.isna(s) else f" ± {s:.2f}")
                for v, s in zip(points["ratio"], points["ratio_std"], strict=True)
            ],
            "Quartiles": [
                f"{a:.2f} to {b:.2f}" for a, b in zip(points["ratio_low"], points["ratio_high"], strict=True)
            ],
            "MB": [f"{v / 1e6:.1f}" for v in points["memory"]],
            "MB x vanilla": [f"{v:.2f}" for v in points["memory_ratio"]],
        }
    )


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    return (
        "Time of a training step beside vanilla's of the same round (the median over rounds; quartiles (bars): the "
        "timing noise), and MB that it holds at once beyond weights, optimiser and batch. Mean ± standard deviation "
        f"over n = {count_text(points['n'], 'run')}."
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns each way's ratio to vanilla."""
    return {f"step_ratio.{_name(row).replace(' ', '_')}": float(row.ratio) for row in points.itertuples()}


def draw(points: pd.DataFrame) -> Figure:
    """Returns two panels of bars, multiples of vanilla's: time, with the quartiles of its rounds, and memory."""
    figure = Figure(figsize=(text_width(), 0.7 + 0.27 * len(points)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    names = [_name(row) for row in points.itertuples()]
    around = [points["ratio"] - points["ratio_low"], points["ratio_high"] - points["ratio"]]
    left.barh(names, points["ratio"], xerr=[part.clip(lower=0) for part in around], color=PALETTE[0], capsize=2)
    right.barh(names, points["memory_ratio"], color=PALETTE[1])
    for axis, title in ((left, "time"), (right, "memory")):
        axis.axvline(1, color=PALETTE[6], linewidth=0.8, linestyle="--")
        axis.set(title=title, xlabel="multiple of vanilla's step")
    left.invert_yaxis()
    return figure


def _name(row) -> str:  # type: ignore[no-untyped-def]
    return f"PGD-{row.steps} training" if row.steps else str(row.training)


REPORT = Report(
    title="Cost of a training step", points=points, table=table, caption=caption, draw=draw, summary=summary
)
