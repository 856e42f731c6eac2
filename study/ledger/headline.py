"""The few numbers that stand for a trial: what MLflow's columns and the terminal show."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import isfinite
from statistics import fmean
from typing import Any

BESIDE = ("training", "record")
"""Benchmarks that measure nothing of the trained model: `results.TRAINING` and `results.RECORD`."""


def headline(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Returns short name -> accuracy of one trial's rows (dicts with family, corruption, metric, value, benchmark).

    clean; corruption: mean over corruptions of the mean over severities; corruption_no_noise: without the noise
    family; and one mean for each family by its name. Where there are several benchmarks of corruptions these are of the
    published one (its name ends in -c; of several the first by name), and the others' means stand beside them as
    corruption.BENCHMARK and so on.
    """
    severities: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    found = {}
    for row in rows:
        if row["metric"] != "accuracy":
            continue
        if row["benchmark"] == "clean":
            found["clean"] = row["value"]
        elif isinstance(row["family"], str):  # tables read back have nan where there is none
            severities[row["benchmark"]][row["family"], row["corruption"]].append(row["value"])
    for place, benchmark in enumerate(sorted(severities, key=lambda name: (not name.endswith("-c"), name))):
        of = "" if place == 0 else f".{benchmark}"
        means = {key: fmean(values) for key, values in severities[benchmark].items()}
        found |= {f"{name}{of}": value for name, value in _means(means).items()}
    return found


def _means(accuracies: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Returns the means over corruptions of (family, corruption) -> accuracy."""
    found = {"corruption": fmean(accuracies.values())}
    others = [value for (family, _), value in accuracies.items() if family != "noise"]
    found |= {"corruption_no_noise": fmean(others)} if others else {}
    for family in dict.fromkeys(family for family, _ in accuracies):
        found[family] = fmean(value for (f, _), value in accuracies.items() if f == family)
    return found


def details(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Returns short name -> number of what one trial's rows measure beside accuracy under corruption.

    METRIC of clean images, such as rms_calibration_error; BENCHMARK.ATTACK: accuracy under an attack; epsilon.NOISE:
    the median distance, mean over generators, where it is finite; flip_probability: mean over perturbations.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        metric, benchmark, corruption = row["metric"], row["benchmark"], row["corruption"]
        if isinstance(row["family"], str) or benchmark in BESIDE:
            continue
        if benchmark == corruption == "clean" and metric != "accuracy":
            found[metric].append(row["value"])
        elif metric == "accuracy" and benchmark != "clean":
            found[f"{benchmark}.{corruption}"].append(row["value"])
        elif metric == "epsilon_median":
            found[f"epsilon.{corruption}"].append(row["value"])
        elif metric == "flip_probability":
            found[metric].append(row["value"])
    return {name: fmean(values) for name, values in found.items() if isfinite(sum(values))}
