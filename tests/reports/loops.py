"""Plain loops over tidy rows: the numbers of reports, computed another way."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean, stdev

import pandas as pd
import pytest

Accuracies = dict[tuple[str, int], dict[str, dict[int, float]]]


def accuracies(rows: pd.DataFrame) -> Accuracies:
    """(label, seed) -> corruption (or "clean") -> severity -> accuracy."""
    found: Accuracies = defaultdict(lambda: defaultdict(dict))
    for row in rows.to_dict("records"):
        if row["metric"] == "accuracy" and (row["benchmark"] == "clean" or isinstance(row["family"], str)):
            found[row["label"], row["seed"]][row["corruption"]][int(row["severity"])] = row["value"]
    return found


def spread(values: Iterable[float]) -> tuple[object, object, object]:
    """n, mean and standard deviation of one value a seed, to compare with."""
    values = list(values)
    std = stdev(values) if len(values) > 1 else float("nan")
    return len(values), pytest.approx(fmean(values)), pytest.approx(std, nan_ok=True)
