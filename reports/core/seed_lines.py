"""The figure of settings seed by seed: a row a setting, and a thin line for each seed through all of them."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.core.compare import SETTING
from reports.core.looks import shortened, signs
from reports.core.style import PALETTE, text_width


def main_accuracy(trials: pd.DataFrame) -> pd.DataFrame:
    """Returns the accuracy of `stats.by_trial` that stands for trials, as `compare.compare` takes it: SETTING, measure,
    seed, value. It is that under corruption, or of clean images where nothing else was measured.
    """
    measure = "corruption" if trials["corruption"].notna().any() else "clean"
    rows = trials.rename(columns={measure: "value"}).assign(measure=measure)
    return rows[[*SETTING, "measure", "seed", "value"]]


def seed_columns(points: pd.DataFrame, prefix: str) -> list[str]:
    """Returns the columns with the number of one seed each."""
    return [name for name in points if name.startswith(prefix)]


def seed_lines(
    labels: Sequence[str], seeds: pd.DataFrame, middle: "pd.Series[float]", low: "pd.Series[float]",
    high: "pd.Series[float]", name: str,
) -> Figure:  # fmt: skip
    """Returns the figure: fractions drawn in percent or points, from the first setting at the top to the last.

    seeds: rows x seeds, nan where one is missing. middle, low, high: of each row; nan without a bar. name: of the axis.
    """
    figure = Figure(figsize=(text_width(), 0.7 + 0.2 * len(seeds)), layout="constrained")
    axis = figure.subplots()
    places = range(len(seeds))
    for column in seeds:
        axis.plot(100 * seeds[column], places, color="0.7", linewidth=0.6, zorder=1.5)
    axis.hlines(places, 100 * low, 100 * high, color=PALETTE[0], linewidth=1.6)
    axis.plot(100 * middle, places, "o", color=PALETTE[0])
    axis.set_yticks(places, [shortened(signs(label)) for label in labels])
    axis.set_ylim(len(seeds) - 0.4, -0.6)
    axis.set_xlabel(name)
    return figure
