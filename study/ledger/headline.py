"""The few numbers that stand for a trial, and the one rule that says of which benchmark they are.

`marked` decides it, when a trial's table is written, and marks the rows. `headline` here (MLflow's columns, the
terminal, a search's objectives) and `reports.core.stats` read the mark, so that all of them show the same numbers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import isfinite
from statistics import fmean
from typing import Any

BESIDE = ("training", "record")
"""Benchmarks that measure nothing of the trained model: `results.TRAINING` and `results.RECORD`."""


def marked(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns all rows of one trial, each with `headline`: whether it is of the trial's headline benchmark.

    Of the benchmarks with accuracies under corruptions that is a published one (its name ends in -c) before one
    generated here, one of C-bar after all others, and of several the first by name. Accuracies on clean images are
    marked too. A mark that the rows have already is replaced.
    """
    rows = list(rows)
    benchmarks = {row["benchmark"] for row in rows if row["metric"] == "accuracy" and _corrupted(row)}
    main = min(benchmarks, key=lambda name: (_beside(name), not name.endswith("-c"), name), default=None)
    return [{**row, "headline": row["benchmark"] == main or _clean(row)} for row in rows]


def headline(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Returns short name -> accuracy of one trial's rows: dicts with benchmark, family, corruption, metric, value,
    headline (`marked` adds it; rows that `results` wrote have it).

    clean; corruption: mean over corruptions of the mean over severities; corruption_no_noise: without the noise
    family; and one mean for each family by its name. These are of the headline benchmark; the means of any other stand
    beside them as corruption.BENCHMARK and so on.
    """
    severities: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    numbers = {}
    for row in rows:
        if _clean(row):
            numbers["clean"] = row["value"]
        elif row["metric"] == "accuracy" and _corrupted(row):
            suffix = "" if row["headline"] else f".{row['benchmark']}"
            severities[suffix][row["family"], row["corruption"]].append(row["value"])
    for suffix, values in sorted(severities.items()):
        means = _means({key: fmean(each) for key, each in values.items()})
        numbers |= {f"{name}{suffix}": value for name, value in means.items()}
    return numbers


def _beside(benchmark: str) -> bool:
    """Whether it is C-bar, made here or published: what is compared with the main benchmark, and never it."""
    return benchmark.startswith("c_bar") or benchmark.endswith("-bar")


def _clean(row: Mapping[str, Any]) -> bool:
    return bool(row["benchmark"] == "clean" and row["metric"] == "accuracy")


def _corrupted(row: Mapping[str, Any]) -> bool:
    """Whether the row measures something under a corruption: these have a family, others None, nan or no such key."""
    return isinstance(row.get("family"), str)


def _means(accuracies: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Returns the means over corruptions of (family, corruption) -> accuracy."""
    means = {"corruption": fmean(accuracies.values())}
    others = [value for (family, _), value in accuracies.items() if family != "noise"]
    means |= {"corruption_no_noise": fmean(others)} if others else {}
    for family in dict.fromkeys(family for family, _ in accuracies):
        means[family] = fmean(value for (f, _), value in accuracies.items() if f == family)
    return means


def robustness(numbers: Mapping[str, float]) -> float:
    """Returns the one number by which settings are ranked while a study runs: the accuracy under corruption, or that on
    clean images where no corruption was measured; nan where neither was. numbers: of `headline`.
    """
    return numbers.get("corruption", numbers.get("clean", float("nan")))


def by_corruption(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Returns "corruption/NAME" -> a trial's accuracy, the mean over severities, of the headline benchmark's rows."""
    severities: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["metric"] == "accuracy" and _corrupted(row) and row["headline"]:
            severities[f"corruption/{row['corruption']}"].append(row["value"])
    return {name: fmean(values) for name, values in severities.items()}


def details(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Returns short name -> number of what one trial's rows measure beside accuracy under corruption.

    METRIC of clean images, such as rms_calibration_error; BENCHMARK.ATTACK: accuracy under an attack; epsilon.NOISE:
    the median distance, mean over generators, where it is finite; flip_probability: mean over perturbations.
    """
    numbers: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        metric, benchmark, corruption = row["metric"], row["benchmark"], row["corruption"]
        if isinstance(row["family"], str) or benchmark in BESIDE:
            continue
        if benchmark == corruption == "clean" and metric != "accuracy":
            numbers[metric].append(row["value"])
        elif metric == "accuracy" and benchmark != "clean":
            numbers[f"{benchmark}.{corruption}"].append(row["value"])
        elif metric == "epsilon_median":
            numbers[f"epsilon.{corruption}"].append(row["value"])
        elif metric == "flip_probability":
            numbers[metric].append(row["value"])
    return {name: fmean(values) for name, values in numbers.items() if isfinite(sum(values))}
