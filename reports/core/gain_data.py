"""What the page's main figure computes with in the browser: each trial's accuracy under each corruption."""

from typing import Any

import pandas as pd

from reports.core.choose import base
from reports.core.families import in_families, named
from reports.core.looks import in_order
from reports.core.significance import current_level
from reports.core.stats import by_corruption

DIGITS = 9
"""Decimals of an accuracy: more than any number of test images has."""


def gain_data(rows: pd.DataFrame) -> dict[str, Any]:
    """Returns what `gain.js` reads, as JSON takes it.

    rows: the tidy rows of finished trials on one dataset. settings: their labels, arms in the order of the rows, an
    arm's settings by their values. base: the place of the base among them, None without one. seeds; level (of the
    intervals); corruptions: (name in print, family), clean images last, of the family "clean". values: for each of
    these a matrix settings x seeds, the mean accuracy over severities as a fraction, None where there is none.
    """
    means = by_corruption(rows).fillna({"family": "clean"})
    settings, over = in_order(means), base(rows)
    seeds = sorted(means["seed"].unique())
    pairs = sorted(in_families(means), key=lambda pair: pair[0] == "clean")
    by_pair = dict(list(means.groupby(["family", "corruption"], sort=False)))
    values = [
        by_pair[pair].pivot(index="config", columns="seed", values="accuracy").reindex(settings.index, columns=seeds)
        for pair in pairs
    ]
    return {
        "settings": list(settings["label"]),
        "base": settings.index.get_loc(over) if over in settings.index else None,
        "seeds": [int(seed) for seed in seeds],
        "level": current_level(),
        "corruptions": [(named(corruption), family) for family, corruption in pairs],
        "values": [_numbers(matrix) for matrix in values],
    }


def _numbers(matrix: pd.DataFrame) -> list[list[float | None]]:
    return [[None if pd.isna(v) else round(float(v), DIGITS) for v in row] for row in matrix.to_numpy()]
