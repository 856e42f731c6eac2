"""The numbers that a page shows first: what the best setting gains over the base, where, and what it costs."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from reports.core.choose import base_label
from reports.core.families import named
from reports.core.significance import current_level, level_text, with_best
from reports.core.stats import by_corruption, by_label, by_trial

MEASURES = {"corruption": "All corruptions", "corruption_no_noise": "Without noise", "clean": "Clean images"}
"""Column of `by_trial` -> a card's title; the best setting is that of the first which was measured."""


class Card(NamedTuple):
    """title: what is compared. value: the gain in points, signed. note: its interval, or what it is of."""

    title: str
    value: str
    note: str


def cards(rows: pd.DataFrame) -> list[Card]:
    """Returns the best setting's gains over the base: of `MEASURES`, and of the corruptions most and least helped.

    rows: the tidy rows of finished trials on one dataset. Gains are means of paired differences over seeds; intervals
    are those of the conclusion (`reports.core.significance.with_best`). Empty without a base, or where it is the best.
    """
    over = base_label(rows)
    if over is None:
        return []
    trials = by_trial(rows)
    matrices = {name: by_label(trials, name) for name in MEASURES if trials[name].notna().any()}
    if not matrices:
        return []
    best = with_best(next(iter(matrices.values()))).reference
    if best == over or best is None:
        return []
    made = [_card(MEASURES[name], matrix, best, over) for name, matrix in matrices.items()]
    return [card for card in [*made, *_extremes(rows, best, over)] if card is not None]


def _extremes(rows: pd.DataFrame, best: object, over: object) -> list[Card | None]:
    """Returns the cards of the corruptions that the best setting helps most and least."""
    means = by_corruption(rows)
    parts = {
        str(name): by_label(part, "accuracy")
        for name, part in means[means["family"].notna()].groupby("corruption", sort=False)
    }
    gains = {name: _difference(matrix, best, over)[0] for name, matrix in parts.items()}
    known = {name: gain for name, gain in gains.items() if not np.isnan(gain)}
    if len(known) < 2:
        return []
    chosen = {"Most helped": max(known, key=known.__getitem__), "Least helped": min(known, key=known.__getitem__)}
    note = f", one of {len(known)}"
    return [_card(f"{title}: {named(name)}", parts[name], best, over, note) for title, name in chosen.items()]


def _card(title: str, matrix: pd.DataFrame, best: object, over: object, note: str = "") -> Card | None:
    gain, low, high = (100 * value for value in _difference(matrix, best, over))
    if np.isnan(gain):
        return None
    coverage = level_text(1 - current_level())
    interval = "one seed, no interval" if np.isnan(low) else f"{coverage} interval {_signed(low)} to {_signed(high)}"
    return Card(title, f"{_signed(gain)} points", interval + note)


def _difference(matrix: pd.DataFrame, best: object, over: object) -> tuple[float, float, float]:
    """Returns the best setting's mean gain over the base at the seeds of both, and its interval; nan where unknown."""
    if best not in matrix.index or over not in matrix.index:
        return np.nan, np.nan, np.nan
    paired = (matrix.loc[best] - matrix.loc[over]).dropna()
    if paired.empty:
        return np.nan, np.nan, np.nan
    row = with_best(matrix, best=best).table.loc[over]
    return float(paired.mean()), float(row["low"]), float(row["high"])


def _signed(value: float) -> str:
    text = f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0" if text[1:] == "0.0" else text
