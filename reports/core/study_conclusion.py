"""What a study says, in sentences: from its tidy rows alone."""

from typing import NamedTuple

import pandas as pd

from reports.core.choose import base
from reports.core.conclusion import conclude
from reports.core.seed_planning import POWER, detectable_here, seeds_to_settle
from reports.core.significance import with_best
from reports.core.stats import by_trial

QUANTITIES = {"corruption": "accuracy under corruption", "clean": "accuracy"}
"""Measure of `by_trial` -> what a sentence calls it; the first that was measured is what the study is about."""
TOP = 3
"""The best settings that more seeds are to tell apart."""


class Findings(NamedTuple):
    """wins: what is best, by how much and how surely. unsettled: what is not told apart. power: what seeds can show."""

    wins: str
    unsettled: str
    power: str


def findings(rows: pd.DataFrame, planned: int, seconds: float | None = None) -> Findings | None:
    """Returns a study's findings; None where it measured no accuracy.

    rows: of its finished trials. planned: how many trials it has. seconds: that a trial took, for what more would cost.
    """
    trials = by_trial(rows)
    measure = next((name for name in QUANTITIES if name in trials and trials[name].notna().any()), None)
    if measure is None:
        return None
    values, clean = (_by_seed(trials, name) for name in (measure, "clean"))
    labels = trials.drop_duplicates("config").set_index("config")["label"]
    reference = base(rows)
    conclusion = conclude(
        values.rename(index=labels),
        base=None if reference is None else labels[reference],
        clean=None if measure == "clean" or clean.empty else clean.rename(index=labels),
        planned=planned,
        quantity=QUANTITIES[measure],
    )
    return Findings(*conclusion, seed_power(values, seconds))


def seed_power(values: pd.DataFrame, seconds: float | None = None) -> str:
    """Returns the difference that the seeds tell apart, and how many would settle the best three; "" if unknown.

    values: settings x seeds, fractions. seconds: that a trial took.
    """
    comparison = with_best(values)
    smallest = detectable_here(comparison)
    if not smallest > 0:
        return ""
    text = (
        f"With {comparison.seeds} seeds, differences above {100 * smallest:.1f} points are told apart "
        f"with power {POWER:.0%}."
    )
    several = min(TOP, len(values))
    needed = seeds_to_settle(comparison, several)
    if needed is None or needed <= comparison.seeds:
        return text
    more = (needed - comparison.seeds) * several
    cost = f", about {_duration(more * seconds)} of training" if seconds else ""
    which = "two" if several == 2 else "three"
    return f"{text} To settle the best {which} would take {needed} seeds of each: {more} more trials{cost}."


def _by_seed(trials: pd.DataFrame, measure: str) -> pd.DataFrame:
    return trials.pivot(index="config", columns="seed", values=measure).dropna(how="all")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
