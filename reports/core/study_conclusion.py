"""What a study's tidy rows come to: its conclusion in words, and what its seeds could see."""

from typing import NamedTuple

import pandas as pd

from reports.core.cards import Card, cards
from reports.core.choose import base_label
from reports.core.compare import ONE_SEED, reach_text
from reports.core.conclusion import Conclusion, conclude
from reports.core.seed_planning import detectable_here, seeds_to_settle
from reports.core.significance import current_level, level_text, with_best
from reports.core.stats import by_label, by_trial, duration_text, short_number

QUANTITIES = {"corruption": "accuracy under corruption", "clean": "clean accuracy"}
"""Column of `reports.core.stats.by_trial` -> how sentences call it; the first that was measured is the study's."""
TOP = 3
FIRST, MOST = 3, 20
"""Seeds of a setting: those that make a comparison, and those of which more are not worth while."""


class WantedSeeds(NamedTuple):
    """seeds: of a setting, in all. trials: how many are missing, of the settings not told apart from the best."""

    seeds: int
    trials: int


class Findings(NamedTuple):
    """wins: what is best, by how much and how surely. unsettled: what is not told apart. power: what seeds can show.
    cards: the numbers of a page's head (`reports.core.cards`).
    """

    wins: str
    unsettled: str
    power: str
    cards: tuple[Card, ...] = ()

    @property
    def doubt(self) -> str:
        """`unsettled`, with a beginning that says what it is, where it does not say so itself."""
        plain = self.unsettled.startswith(("All is settled", "Nothing is settled"))
        return self.unsettled if plain else f"Not settled yet: {self.unsettled}"

    @property
    def outlook(self) -> str:
        """`power`, where what is unsettled does not say it already."""
        return "" if "one seed" in self.unsettled and self.power == ONE_SEED else self.power


def findings(
    rows: pd.DataFrame, planned: int, seconds_per_trial: float | None = None, chosen: bool = False
) -> Findings | None:
    """Returns all that a study says, see `study_conclusion` and `seed_power`; None where it measured no accuracy."""
    if _values(rows)[0].empty:
        return None
    return Findings(*study_conclusion(rows, planned, chosen), seed_power(rows, seconds_per_trial), tuple(cards(rows)))


def study_conclusion(rows: pd.DataFrame, planned: int, chosen: bool = False) -> Conclusion:
    """Returns the conclusion of a study (`reports.core.conclusion.conclude`).

    rows: the tidy rows of its finished trials, on one dataset. planned: the number of its trials, finished or not. It
    is of the mean accuracy under corruption, else of clean accuracy, a number a trial; gains are over the setting that
    `reports.core.choose.base` names. chosen: as `conclude` takes it.
    """
    values, measure = _values(rows)
    clean = by_label(by_trial(rows), "clean") if measure != "clean" else None
    return conclude(values, base_label(rows), clean, planned, QUANTITIES[measure], chosen=chosen)


def printed_numbers(rows: pd.DataFrame) -> dict[str, str]:
    """Returns the numbers of the finding, in percent or points as print shows them: name -> text.

    Best, BestAccuracy and Seeds are of the best setting; Base, Gain, GainLow, GainHigh (of the level Level) and Agree
    (seeds at which it is better) of the comparison that the sentence makes, where there is one.
    """
    values, measure = _values(rows)
    if values.empty:
        return {}
    comparison = with_best(values)
    best = comparison.reference
    numbers = {
        "Measure": QUANTITIES[measure],
        "Best": str(best),
        "BestAccuracy": short_number(100 * values.loc[best].mean()),
        "Seeds": str(int(values.loc[best].count())),
    }
    others = comparison.table[comparison.table["variance"].notna() & ~comparison.table["best"]]
    if others.empty:
        return numbers
    over = base_label(rows)
    row = others.loc[over] if over in others.index else others.sort_values("difference", kind="stable").iloc[0]
    numbers |= {"Base": str(row.name), "Gain": short_number(100 * row["difference"])}
    if pd.notna(row["low"]):
        numbers |= {"GainLow": short_number(100 * row["low"]), "GainHigh": short_number(100 * row["high"])}
        numbers["Level"] = level_text(1 - current_level())
    return numbers | {"Agree": str(int(row["agree"]))}


def seed_power(rows: pd.DataFrame, seconds_per_trial: float | None = None) -> str:
    """Returns a sentence for the smallest difference that a study's seeds tell apart, and what would settle the best 3.

    rows: as `study_conclusion` takes them. seconds_per_trial: what a trial takes, for the cost of the seeds that are
    missing, of the best three alone. "" where seeds do not vary or there is nothing to compare.
    """
    values, _ = _values(rows)
    comparison = with_best(values)
    compared = comparison.table[comparison.table["variance"].notna()]
    smallest = detectable_here(comparison)
    if len(values) > 1 and int(values.count(axis=1).max()) < 2:
        return ONE_SEED
    if compared.empty or not smallest > 0:
        return ""
    text = reach_text(comparison.seeds, f"{short_number(100 * smallest)} points")
    next_ones = compared.nsmallest(TOP - 1, "difference")
    top = "the best three" if len(next_ones) > 1 else "the two"
    if next_ones["worse"].all():
        return f"{text}; {top} are told apart."
    needed = seeds_to_settle(comparison, TOP)
    if needed is None:
        return f"{text}; {top} are too close for more seeds to settle."
    present = values.loc[[comparison.reference, *next_ones.index]].count(axis=1)
    more = int((needed - present).clip(lower=0).sum())
    cost = f", {duration_text(more * seconds_per_trial)}" if seconds_per_trial else ""
    return f"{text}; about {needed} seeds would settle {top} ({more} more trials of these{cost})."


def wanted_seeds(rows: pd.DataFrame) -> WantedSeeds | None:
    """Returns the seeds that would probably tell the best of `TOP` settings apart (`reports.core.seed_planning`).

    rows: as `study_conclusion` takes them. FIRST where no setting has two seeds. None where all are told apart, where
    more than MOST would be needed, or where there is nothing to compare.
    """
    values, _ = _values(rows)
    counts = values.count(axis=1)
    if len(values) < 2:
        return None
    if counts.max() < 2:
        return WantedSeeds(FIRST, int((FIRST - counts).sum()))
    comparison = with_best(values)
    compared = comparison.table[comparison.table["variance"].notna()]
    needed = seeds_to_settle(comparison, TOP)
    if needed is None or needed > MOST or compared.nsmallest(TOP - 1, "difference")["worse"].all():
        return None
    near = [comparison.reference, *compared.index[~compared["worse"]]]
    missing = int((needed - counts.loc[near]).clip(lower=0).sum())
    return WantedSeeds(needed, missing) if missing else None


def _values(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Returns the values that a study is judged by, labels x seeds, and which of QUANTITIES they are."""
    trials = by_trial(rows)
    for measure in QUANTITIES:
        values = by_label(trials, measure)
        if not values.empty:
            break
    return values, measure
