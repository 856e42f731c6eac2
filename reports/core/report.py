"""The contract of a report: tables in, points computed, figure and table drawn from the points alone."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report. `points` computes (and is tested), `table` formats, `draw` draws; the last two compute nothing.

    title: its heading. points: tidy rows of one or more studies -> numbers, empty where the rows do not fit the report.
    table: points -> a table of text, as print shows it; `reports.core.cells.cell` marks cells. Columns have names of
    text too: `reports.core.write` refuses anything else.
    draw: points -> a figure, or None for a table alone.
    caption: points -> what the reader should know: what is averaged, over how many seeds, what marks mean.
    """

    title: str
    points: Callable[[pd.DataFrame], pd.DataFrame]
    table: Callable[[pd.DataFrame], pd.DataFrame]
    caption: Callable[[pd.DataFrame], str]
    draw: Callable[[pd.DataFrame], Figure] | None = None
    summary: Callable[[pd.DataFrame], dict[str, float]] | None = None
    """points -> the few numbers that stand for the study in MLflow."""
    reads: str = "results"
    """Which rows it takes: "results" (finished trials, on test data), "validation" (candidates of a search, with the
    columns candidate and chosen), "population" (its members, by epoch), "correct" (which test images finished trials
    classify correctly) or "race" (what its rounds decided)."""
    headline: bool = False
    """Whether it shows accuracies under corruption by the headline benchmarks of trials (`reports.core.stats`); its
    caption then has a sentence more where these differ (`reports.core.write.write`)."""
    along: Callable[[str], "Report"] | None = None
    """A numeric parameter's name -> this report with it on the axis (`study report --x`); None without such an axis."""
