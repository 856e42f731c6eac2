"""What a search found: every candidate on the validation split, clean against corruption, with the Pareto front."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.pareto import front
from reports.core.search import candidates, search_report
from reports.core.stats import count_text, percent
from reports.core.style import PALETTE, column_width

SHOWN = 15
"""Most rows of the table."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the candidates with both accuracies, and front: whether no other is at least as good and once better."""
    frame = candidates(table)
    frame = frame.dropna(subset=["clean", "corruption"]) if len(frame) else frame
    if len(frame) < 2:
        return pd.DataFrame()
    return frame.assign(front=front(frame["clean"].to_numpy(), frame["corruption"].to_numpy())).reset_index(drop=True)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a candidate, chosen ones and the front first, then by accuracy under corruption."""
    rows = points.sort_values(["chosen", "front", "corruption"], ascending=False, kind="stable").head(SHOWN)
    return pd.DataFrame({
        "Candidate": rows["number"].astype(int).astype(str),
        "Setting": rows["label"],
        "n": rows["n"].astype(str),
        "Clean": rows["clean"].map(percent),
        "All corruptions": rows["corruption"].map(percent),
        "Pareto front": ["✓" if on else "-" for on in rows["front"]],
        "Chosen": ["✓" if on else "-" for on in rows["chosen"]],
    }).reset_index(drop=True)  # fmt: skip


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    text = (
        f"Top-1 accuracy in percent on the validation split, mean over n = {count_text(points['n'])}: "
        f"{len(points)} candidates of the search, {int(points['front'].sum())} on the Pareto front"
    )
    return text + (f" (the table has the first {SHOWN})." if len(points) > SHOWN else ".")


def draw(points: pd.DataFrame) -> Figure:
    """Returns the scatter: the front as steps, chosen candidates as diamonds."""
    figure = Figure(figsize=(column_width(), 2.9), layout="constrained")
    axis = figure.subplots()
    x, y = 100 * points["clean"], 100 * points["corruption"]
    axis.plot(x, y, "o", color="0.6", markersize=4, label="candidate")
    edge = points[points["front"]].sort_values("clean")
    axis.plot(
        100 * edge["clean"], 100 * edge["corruption"], "o-", color=PALETTE[0], drawstyle="steps-pre", label="front"
    )
    if points["chosen"].any():
        best = points[points["chosen"]]
        axis.plot(100 * best["clean"], 100 * best["corruption"], "D", color=PALETTE[1], markersize=6, label="chosen")
    axis.set(xlabel="validation accuracy, clean (%)", ylabel="validation accuracy under\ncorruption (%)")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


REPORT = search_report(title="Candidates of the search", points=points, table=table, caption=caption, draw=draw)
