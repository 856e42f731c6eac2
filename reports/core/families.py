"""Corruptions by family: the order in which figures show them, and their names in print."""

import pandas as pd

FAMILIES = ("clean", "noise", "blur", "weather", "digital", "geometric", "stroke", "all")
"""In the order of the papers; a family that is not named comes after the others, before "all"."""


def place(family: str) -> int:
    """Returns the family's place."""
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES) - 2


def in_families(points: pd.DataFrame) -> list[tuple[str, str]]:
    """Returns (family, corruption) of the points, family by family, corruptions in the order of their first row."""
    pairs = points[["family", "corruption"]].drop_duplicates().itertuples(index=False, name=None)
    return sorted(pairs, key=lambda pair: (place(pair[0]), pair[0]))


def named(corruption: str) -> str:
    """Returns a corruption's or family's name as print shows it."""
    return {"all": "all corruptions"}.get(corruption, corruption.replace("_", " "))
