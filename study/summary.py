"""The few numbers that stand for a trial: what MLflow's columns and the terminal show."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any


def headline(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Returns short name -> accuracy of one trial's rows (dicts with family, corruption, metric, value, benchmark).

    clean; corruption: mean over corruptions of the mean over severities; corruption_no_noise: without the noise
    family; and one mean for each family by its name.
    """
    severities: dict[tuple[str, str], list[float]] = defaultdict(list)
    found = {}
    for row in rows:
        if row["metric"] != "accuracy":
            continue
        if row["benchmark"] == "clean":
            found["clean"] = row["value"]
        elif row["family"]:
            severities[row["family"], row["corruption"]].append(row["value"])
    means = {key: fmean(values) for key, values in severities.items()}
    if means:
        found["corruption"] = fmean(means.values())
        others = [value for (family, _), value in means.items() if family != "noise"]
        found |= {"corruption_no_noise": fmean(others)} if others else {}
        for family in dict.fromkeys(family for family, _ in means):
            found[family] = fmean(value for (f, _), value in means.items() if f == family)
    return found
