"""Racing: seeds in rounds, after each of which what is significantly worse than the best gets no more."""

from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import pandas as pd

from reports.core.significance import LEVEL, Comparison, with_best

ROUNDS = (3, 5, 8, 12, 20)
"""Seeds that a setting has after each round."""
Reason = Literal["one left", "within margin", "limit"]


class Round(NamedTuple):
    """What a round decides. reason: why the race ends, None where it goes on.

    comparison: of those left; its table also has the row of each setting dropped, of the comparison that dropped it.
    """

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

    Dropped are those significantly worse than the best at level alpha / len(rounds) (`with_best`), then those that are
    so among the rest, until none is: fewer settings have a smaller range. The chance to drop in any round one that is
    as good as the best is at most alpha, since until that happens all of these are left, and their own range is what
    is exceeded. The race ends when one is left; when every one left is at most `margin` (in the unit of the values)
    worse than the best, by the upper end of simultaneous intervals of the same level; or after the last round. A
    setting whose trials failed is never dropped.
    """
    left, dropped = values, []
    while True:
        comparison = with_best(left, higher, alpha / len(rounds))
        worse = comparison.table["worse"]
        if not worse.any():
            break
        dropped.append(comparison.table[worse])
        left = left[~worse]
    others = comparison.table[left.index != comparison.reference]
    reason: Reason | None = None
    if len(left) == 1:
        reason = "one left"
    elif margin is not None and len(others) and (others["high"] <= margin).all():
        reason = "within margin"
    elif number >= len(rounds):
        reason = "limit"
    evidence = pd.concat([*dropped, comparison.table]).loc[values.index]
    return Round(
        [name for name in values.index if name not in left.index],
        list(left.index),
        reason,
        comparison._replace(table=evidence),
    )
