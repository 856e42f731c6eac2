"""Corruptions by family: the order in which figures show them, and their names in print."""

from collections.abc import Sequence

import pandas as pd

FAMILIES = ("clean", "noise", "blur", "weather", "digital", "geometric", "stroke", "occlusion", "all")
"""In the order of the papers; a family that is not named comes after the others, before "all"."""


NAMES = {"all": "all corruptions", "jpeg_compression": "JPEG compression"}


def place(family: str) -> int:
    """Returns the family's place."""
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES) - 2


def in_families(points: pd.DataFrame) -> list[tuple[str, str]]:
    """Returns (family, corruption) of the points, family by family, corruptions in the order of their first row."""
    pairs = points[["family", "corruption"]].drop_duplicates().itertuples(index=False, name=None)
    return sorted(pairs, key=lambda pair: (place(pair[0]), pair[0]))


def cells_by_family(families: Sequence[str], columns: int) -> list[int]:
    """Returns the place of each panel in a grid, counted row by row, so that no family begins in a row that does not
    hold it whole, unless it is longer than a row.

    families: of each panel, in their order.
    """
    cells: list[int] = []
    place = 0
    for family in dict.fromkeys(families):
        size = families.count(family)
        if place % columns and place % columns + size > columns:
            place += columns - place % columns
        cells += range(place, place + size)
        place += size
    return cells


def named(corruption: str) -> str:
    """Returns a corruption's or family's name as print shows it."""
    return NAMES.get(corruption, corruption.replace("_", " "))
