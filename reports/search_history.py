"""How a search went: each candidate's objective, and the best so far."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.search import candidates, search_report
from reports.core.stats import percent
from reports.core.style import PALETTE, column_width


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the candidates in order, each with the best objective up to it; empty below two."""
    frame = candidates(table)
    return frame.assign(best=frame["objective"].cummax()) if len(frame) > 1 else pd.DataFrame()


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each candidate that was better than all before it."""
    rows = points[points["best"] > points["best"].shift(fill_value=-1.0)]
    return pd.DataFrame({
        "Candidate": rows["number"].astype(int).astype(str),
        "Setting": rows["label"],
        "Best so far": rows["best"].map(percent),
    }).reset_index(drop=True)  # fmt: skip


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    return (
        "Validation accuracy in percent (the mean over corruptions, where they are measured) of each candidate in the "
        f"order in which the search tried them, and the best so far: {percent(points['best'].iloc[-1])} after "
        f"{len(points)} settings."
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns the candidates and the best so far as a step line."""
    figure = Figure(figsize=(column_width(), 2.4), layout="constrained")
    axis = figure.subplots()
    axis.plot(points["number"], 100 * points["objective"], "o", color="0.6", label="candidate")
    axis.step(points["number"], 100 * points["best"], where="post", color=PALETTE[0], label="best so far")
    axis.set(xlabel="candidate", ylabel="validation accuracy (%)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


REPORT = search_report(title="Course of the search", points=points, table=table, caption=caption, draw=draw)
