"""A study's conclusion in two sentences: what wins, and what is not settled; written from the numbers by rules.

A sentence calls a setting better only where the comparison with the best (`reports.core.significance.with_best`) does.
"""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reports.core.seed_planning import detectable_here, seeds_to_settle
from reports.core.significance import Comparison, current_level, level_text, with_best
from reports.core.stats import short_number
from reports.core.variance_test import variance_note

OURS = ("the base ", "nothing is ", "with ", "the settings ")
NAMED = 3
"""So many settings are named; of more, the number."""


class Unit(NamedTuple):
    """How print shows values: times `scale`, followed by `value`; differences are followed by `difference`."""

    scale: float = 100
    value: str = "%"
    difference: str = " points"


class Conclusion(NamedTuple):
    """One sentence for what wins, one for what is not settled."""

    wins: str
    unsettled: str


class _Study(NamedTuple):
    """What the sentences are written from; see `conclude`. missing: how many planned trials have no value."""

    values: pd.DataFrame
    comparison: Comparison
    base: Hashable | None
    clean: pd.DataFrame | None
    missing: int
    planned: int
    quantity: str
    higher: bool
    unit: Unit
    chosen: bool

    @property
    def compared(self) -> pd.DataFrame:
        """The settings that share two seeds or more with the best, nearest first."""
        table = self.comparison.table
        return table[table["variance"].notna()].sort_values("difference", kind="stable")

    @property
    def apart(self) -> list[Hashable]:
        """The settings with values that cannot be compared with the best."""
        compared = [*self.compared.index, self.comparison.reference]
        return [name for name in self.values.index if name not in compared]


def conclude(
    values: pd.DataFrame,
    base: Hashable | None = None,
    clean: pd.DataFrame | None = None,
    planned: int | None = None,
    quantity: str = "accuracy under corruption",
    higher: bool = True,
    unit: Unit | None = None,
    chosen: bool = False,
) -> Conclusion:
    """Returns the conclusion of a study.

    values: settings (index: their names in print) x seeds, nan where a trial has no result. base: the setting that
    gains are measured from; without one it is the next best. clean: the clean accuracies (fractions) of the same
    settings and seeds, for what the winner costs. planned: the number of trials that the study has, where more than
    have values. quantity, higher, unit: what the values are, whether more is better, and how print shows them. chosen:
    whether a search or a population chose the settings, on validation images.
    """
    count = int(values.notna().to_numpy().sum())
    planned = max(planned or values.size, count)
    present = values.dropna(how="all")
    comparison = with_best(present, higher)
    unit = unit or Unit()
    study = _Study(present, comparison, base, clean, planned - count, planned, quantity, higher, unit, chosen)
    return Conclusion(_wins(study), _unsettled(study))


def _wins(study: _Study) -> str:
    """Returns the sentence for what wins."""
    if study.values.empty:
        return "No trial has a result."
    if np.isinf(study.values.to_numpy(float)).any():
        return f"The settings cannot be compared: some values of {study.quantity} are infinite."
    best = study.comparison.reference
    mean = short_number(study.values.loc[best].mean() * study.unit.scale) + study.unit.value
    if len(study.values) == 1:
        seeds = _count(int(study.values.loc[best].count()), "seed")
        subject = f"{best} was chosen on validation images" if study.chosen else f"Only {best} has results"
        return f"{subject}: its {study.quantity} is {mean} ({seeds})."
    leading = list(study.values.index[study.comparison.table["best"]])
    top = f"the {'highest' if study.higher else 'lowest'} {study.quantity}{_among(study)}, {mean}"
    subject = f"{_names(study, leading)} {'has' if len(leading) == 1 else 'have'} {top}"
    others = study.compared.drop(index=leading, errors="ignore")
    if others.empty:
        return f"{_first_upper(subject)}."
    if study.base in leading:
        return f"{_first_upper(subject)}; {_how_many(others['worse'])} significantly worse."
    row = others.loc[study.base] if study.base in others.index else others.iloc[0]
    if len(leading) > 1:
        return f"{_first_upper(subject)}; {best}: {_gain(study, row)}."
    if not others["worse"].all():
        return f"{subject}, {_gain(study, row)}."
    reach = "that it can be compared with" if study.apart or study.missing else "of the study"
    return f"{best} wins: it has {top}, significantly better than every other setting {reach}, {_gain(study, row)}."


def _how_many(marks: "pd.Series[bool]") -> str:
    """Returns how many other settings are marked: "2 of 3 other settings are", "the other setting is not"."""
    count, total = int(marks.sum()), len(marks)
    if total == 1:
        return f"the other setting is{'' if count else ' not'}"
    return f"{count or 'none'} of {total} other settings {'are' if count > 1 else 'is'}"


def _among(study: _Study) -> str:
    """Returns which settings the best is the best of, where that is not all."""
    seeds = study.values.count(axis=1)
    outside = seeds[study.comparison.reference] > 1 and (seeds < 2).any()
    return " of the settings with two seeds or more" if outside else ""


def _gain(study: _Study, row: "pd.Series[Any]") -> str:
    """Returns by how much the best is better than the setting of the row, how sure that is, and its clean cost."""
    scaled = row[["difference", "low", "high"]].astype(float) * study.unit.scale
    name = _names(study, [row.name])
    seeds = f"better at {int(row['agree'])} of {_count(int(row['n']), 'seed')}"
    interval = _interval(scaled["low"], scaled["high"])
    evidence = f"({f'{level_text(1 - current_level())} interval {interval}; ' if interval else ''}{seeds})"
    size = short_number(abs(scaled["difference"])) + study.unit.difference
    if row["difference"] <= 0:
        return f"but no gain over {name} at the seeds that both have {evidence}"
    side = f"{size} {'above' if study.higher else 'below'} {name}"
    if not row["worse"]:
        return f"{side}, which can be chance {evidence}"
    return f"{side} {evidence}{_cost(study, row.name)}"


def _cost(study: _Study, other: Hashable) -> str:
    """Returns what the best loses in clean accuracy against another setting; "" where that cannot be said."""
    if study.clean is None or other not in study.clean.index:
        return ""
    row = with_best(study.clean, best=study.comparison.reference).table.loc[other]
    points, low, high = (float(row[column]) * 100 for column in ("difference", "low", "high"))
    if np.isnan(low):
        return ""
    size = f"{short_number(abs(points))} points"
    if high < 0:
        return f", at a clean cost of {size} ({_interval(-high, -low)})"
    if low > 0:
        return f", and {size} better on clean data ({_interval(low, high)})"
    return f", without a significant clean cost ({short_number(-points)} points, {_interval(-high, -low)})"


def _unsettled(study: _Study) -> str:
    """Returns the sentence for what is not settled."""
    parts = _doubts(study)
    if not study.compared.empty and study.apart:
        few = "fewer than two seeds in common with the best"
        parts.append(f"{_names(study, study.apart)} cannot be compared ({few})")
    if study.missing:
        parts.append(f"{study.missing} of {_count(study.planned, 'trial')} {_be(study.missing)} missing")
    if not study.compared.empty and variance_note(study.values.to_numpy(float)):
        parts.append(f"the settings vary differently over seeds, which makes a test with {_seeds(study)} less sure")
    if not parts:
        return f"All is settled at the {level_text(current_level())} level."
    return f"{_first_upper('; '.join(parts))}."


def _doubts(study: _Study) -> list[str]:
    """Returns why settings are not told apart, and what would tell them; nothing where all are."""
    best, compared = study.comparison.reference, study.compared
    if len(study.values) == 1 and study.chosen:
        return ["nothing is settled: no other setting was measured on test images"]
    if len(study.values) < 2:
        return ["nothing is settled: there is nothing to compare" + (" with" if len(study.values) else "")]
    if compared.empty:
        if np.isinf(study.values.to_numpy(float)).any():
            return ["nothing is settled"]
        if int(study.values.count(axis=1).max()) < 2:
            return ["nothing is settled: with one seed no difference can be told from chance"]
        return [f"nothing is settled: no other setting has two seeds in common with {best}"]
    near = list(compared.index[~compared["worse"]])
    if not near:
        return []
    reach = []
    smallest = detectable_here(study.comparison)
    if smallest > 0:
        size = short_number(smallest * study.unit.scale) + study.unit.difference
        reach.append(f"differences of {size} would be seen 4 times in 5")
    needed = seeds_to_settle(study.comparison)
    if needed is not None and needed > study.comparison.seeds:
        top = "the best three" if len(compared) > 1 else "the two"
        reach.append(f"about {needed} seeds would settle {top} if their differences stay")
    beside = f" ({'; '.join(reach)})" if reach else ""
    return [f"with {_seeds(study)} {best} is not told apart from {_names(study, near)}{beside}"]


def _seeds(study: _Study) -> str:
    """Returns the seeds that the settings compared have: "3 seeds", "2 to 3 seeds"."""
    low, high = int(study.compared["n"].min()), int(study.compared["n"].max())
    return _count(high, "seed") if low == high else f"{low} to {_count(high, 'seed')}"


def _names(study: _Study, names: Sequence[Hashable]) -> str:
    """Returns names as a sentence has them: "A", "the base B and A", "A, C, D and 4 others"."""
    texts = [f"the base {name}" if name == study.base else str(name) for name in names]
    if len(texts) > NAMED + 1:
        texts = [*texts[:NAMED], f"{len(texts) - NAMED} others"]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _first_upper(text: str) -> str:
    """Returns a sentence that begins with one of our words in upper case; a setting's name is left as it is."""
    return text[0].upper() + text[1:] if text.startswith(OURS) else text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _interval(low: float, high: float) -> str:
    """Returns "0.3 to 1.2"; "" where it is unknown."""
    return "" if np.isnan(low) else f"{short_number(low)} to {short_number(high)}"
