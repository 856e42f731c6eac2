"""Racing: seeds in rounds, after each of which what is significantly worse than the best gets no more."""

from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import pandas as pd

from reports.core.significance import LEVEL, Comparison, with_best

ROUNDS = (3, 5, 8, 12, 20)
"""Seeds that a setting has after each round."""
Reason = Literal["one left", "within margin", "limit"]


class Round(NamedTuple):
    """What a round decides. reason: why the race ends, None where it goes on; comparison: the evidence."""

    dropped: list[Hashable]
    left: list[Hashable]
    reason: Reason | None
    comparison: Comparison


def race_round(
    values: pd.DataFrame,
    number: int,
    rounds: Sequence[int] = ROUNDS,
    margin: float | None = None,
    alpha: float = LEVEL,
    higher: bool = True,
) -> Round:
    """Returns what the round `number` (1 is the first) decides of settings still in the race (settings x seeds).

    Dropped are those significantly worse than the best at level alpha / len(rounds) (`with_best`), so that the chance
    to drop in any round one that is as good as the best is at most alpha. The race ends when one is left; when every
    one left is at most `margin` (in the unit of the values) worse than the best, by the upper end of simultaneous
    intervals of the same level; or after the last round. A setting whose trials failed is never dropped.
    """
    comparison = with_best(values, higher, alpha / len(rounds))
    worse = comparison.table["worse"]
    stay = comparison.table[~worse]
    others = stay.drop(index=comparison.reference, errors="ignore")
    reason: Reason | None = None
    if len(stay) == 1:
        reason = "one left"
    elif margin is not None and len(others) and (others["high"] <= margin).all():
        reason = "within margin"
    elif number >= len(rounds):
        reason = "limit"
    return Round(list(values.index[worse]), list(stay.index), reason, comparison)
