"""A race: how many seeds each setting was given, and what every round knew of its distance to the best."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.looks import shortened, signs
from reports.core.panels import legend_below
from reports.core.report import Report
from reports.core.style import PALETTE, text_width

ENDS = {
    "one left": "one setting was left",
    "within margin": "all that were left were within the margin of the best",
    "limit": "the seeds were used up",
}
"""Why a race ended -> what print says of it."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of a race as they were recorded: one a setting and round, those that were dropped early last.

    table: label, config, round, seeds, mean (of the objective, on validation data), difference to the best with low and
    high of its simultaneous interval, p, best, dropped, reason. All of it is of the round; nothing is computed here
    but the order.
    """
    if "round" not in table or table.empty:
        return pd.DataFrame()
    last = table.groupby("config")["round"].transform("max")
    final = table[table["round"] == last].set_index("config")["mean"]
    return table.assign(last=last, final=table["config"].map(final)).sort_values(
        ["last", "final", "config", "round"], ascending=[False, False, True, True], ignore_index=True
    )


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: its seeds, the round that dropped it, and its last distance to the best."""
    rows = []
    for _, part in points.groupby("config", sort=False):
        end = part.iloc[-1]
        distance = "" if pd.isna(end["difference"]) else f"{100 * end['difference']:.1f}"
        if not pd.isna(end["low"]):
            distance += f" ({100 * end['low']:.1f} to {100 * end['high']:.1f})"
        rows.append({
            "Training": end["label"],
            "Seeds": str(end["seeds"]),
            "Dropped": f"after round {end['round']}" if end["dropped"] else "",
            "Validated": "" if pd.isna(end["mean"]) else f"{100 * end['mean']:.1f}",
            "Behind the best": "best" if end["best"] else distance,
        })  # fmt: skip
    return pd.DataFrame(rows)


def caption(points: pd.DataFrame) -> str:
    """Returns how the race went, and what it cost beside the full grid."""
    ends = points.groupby("config", sort=False).tail(1)
    spent, full = int(ends["seeds"].sum()), len(ends) * int(ends["seeds"].max())
    reason = points.loc[points["round"] == points["round"].max(), "reason"].iloc[0]
    over = (
        f"The race ended after round {points['round'].max()}, since {ENDS[reason]}" if reason in ENDS else "It goes on"
    )
    return (
        f"Seeds were given in rounds; after each, settings significantly worse than the best on validation data (in "
        f"points, with simultaneous intervals (bars)) got no more. {over}: {spent} trials, where every setting "
        f"with as many seeds as the best would take {full}."
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns two panels: seeds spent on each setting, and its distance to the best with intervals, round by round."""
    labels = list(dict.fromkeys(points["label"]))
    places = {label: place for place, label in enumerate(labels)}
    figure = Figure(figsize=(text_width(), 0.9 + 0.27 * len(labels)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    ends = points.groupby("label", sort=False).tail(1)
    colours = ["#999999" if dropped else PALETTE[0] for dropped in ends["dropped"]]
    left.barh([places[label] for label in ends["label"]], ends["seeds"], color=colours, height=0.6)
    left.set_yticks(range(len(labels)), [shortened(signs(label)) for label in labels])
    left.set_xlabel("seeds (grey: dropped)")
    left.xaxis.get_major_locator().set_params(integer=True)
    left.invert_yaxis()
    rounds = sorted(points["round"].unique())
    for index, number in enumerate(rounds):
        part = points[(points["round"] == number) & points["low"].notna()]
        heights = [places[label] + 0.5 * ((index + 0.5) / len(rounds) - 0.5) for label in part["label"]]
        colour = PALETTE[index % len(PALETTE)]
        right.hlines(heights, 100 * part["low"], 100 * part["high"], color=colour, label=f"round {number}")
        right.plot(100 * part["difference"], heights, "o", color=colour, markersize=3)
    right.axvline(0, color="grey", linewidth=0.8)
    right.set(xlabel="behind the best (points)")
    legend_below(figure, [right])
    return figure


REPORT = Report(title="The race", points=points, table=table, caption=caption, draw=draw, reads="race")
