"""Arithmetic that reports share: from tidy rows to one number a trial, and from trials to means over seeds."""

from itertools import product

import numpy as np
import pandas as pd

MEASURES = {"clean": "Clean", "corruption": "All corruptions", "corruption_no_noise": "Without noise"}
"""Accuracies of a trial -> how they are called in print."""
TRIAL = ["arm", "label", "config", "varied", "trial", "seed"]
EXACT = 5
"""Up to this many seeds a bootstrap enumerates every resample."""
DRAWS = 10_000


def corrupted(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of accuracies under corruptions, each trial's in its headline benchmark.

    Which benchmark that is was decided when the trial's table was written: the rows are marked, in `headline`.
    """
    return table[(table["metric"] == "accuracy") & table["headline"] & table["family"].notna()]


def benchmarks_text(table: pd.DataFrame) -> str:
    """Returns what captions say where trials differ in their headline benchmark, "" where they do not."""
    counts = corrupted(table).groupby("benchmark")["trial"].nunique()
    if len(counts) < 2:
        return ""
    each = " and ".join(f"{name} ({count} trial{'' if count == 1 else 's'})" for name, count in counts.items())
    return f" Accuracies under corruption are not all of one benchmark but of {each}."


def by_corruption(table: pd.DataFrame) -> pd.DataFrame:
    """Returns `by_benchmark` of each trial's headline benchmark, and of clean data."""
    return by_benchmark(table[table["headline"]]).drop(columns=["data", "benchmark"])


def by_benchmark(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a trial's accuracy under each corruption of each benchmark, and on clean data: the mean over severities.

    Accuracies of attacks, say, on images of their own choice, have no family and do not count.
    table: tidy rows. Columns: those of TRIAL, data, benchmark, family, corruption, accuracy.
    """
    counts = (table["benchmark"] == "clean") | table["family"].notna()
    rows = table[(table["metric"] == "accuracy") & counts]
    keys = [*TRIAL, "data", "benchmark", "family", "corruption"]
    return rows.groupby(keys, sort=False, dropna=False)["value"].mean().rename("accuracy").reset_index()


def by_trial(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a trial and a column for each of MEASURES: means over corruptions of means over severities.

    Corruptions are those of the trial's headline benchmark.
    """
    means = by_corruption(table)
    others = means[means["corruption"] != "clean"]
    columns = {
        "clean": means[means["corruption"] == "clean"],
        "corruption": others,
        "corruption_no_noise": others[others["family"] != "noise"],
    }
    parts = [part.groupby(TRIAL, sort=False)["accuracy"].mean().rename(name) for name, part in columns.items()]
    return pd.concat(parts, axis=1).reset_index()


def by_label(trials: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Returns a column of `by_trial`, or of rows as it has them, as labels x seeds.

    Settings stand in the order of the rows; those that were not measured have no row.
    """
    measured = trials.dropna(subset=measure)
    return measured.pivot(index="label", columns="seed", values=measure).reindex(measured["label"].unique())


def best_interval(x: np.ndarray, accuracy: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Returns (best x, low, high): where the mean over seeds is highest, with a bootstrap interval over seeds.

    x: (K,) values; accuracy: (K, S), one column a seed, complete. Seeds are resampled with replacement, the same for
    every x, since a seed shares its start and its batches over settings. Every resample is enumerated up to 5 seeds.
    Ties go to the smaller x. One seed knows nothing of its spread: low and high are nan.
    """
    order = np.argsort(x)
    x, accuracy = x[order], accuracy[order]
    best, seeds = float(x[accuracy.mean(axis=1).argmax()]), accuracy.shape[1]
    if seeds == 1:
        return best, float("nan"), float("nan")
    tops = x[accuracy[:, resamples(seeds)].mean(axis=2).argmax(axis=0)]
    tail = (1 - level) / 2
    low, high = np.quantile(tops, [tail, 1 - tail], method="inverted_cdf")
    return best, float(low), float(high)


def resamples(seeds: int) -> np.ndarray:
    """Returns the bootstrap's resamples (R, seeds) of indices: every one up to EXACT seeds, else DRAWS, always the
    same.
    """
    if seeds <= EXACT:
        return np.array(list(product(range(seeds), repeat=seeds)))
    return np.random.default_rng(0).integers(seeds, size=(DRAWS, seeds))


def percent(mean: float, std: float | None = None) -> str:
    """Returns a fraction as print shows it: "97.3" or "97.3 ± 0.4"; "" for a missing one."""
    if pd.isna(mean):
        return ""
    return f"{100 * mean:.1f}" if std is None or pd.isna(std) else f"{100 * mean:.1f} ± {100 * std:.1f}"


def short_number(value: float) -> str:
    """Returns one decimal, or the first two digits of what is smaller than 0.1, so that nothing but 0 prints as 0."""
    if abs(value) < 1e-9:
        return "0"
    return f"{value:.1f}" if abs(value) >= 0.1 else f"{value:.2g}"


def duration_text(seconds: float) -> str:
    """Returns about how long something takes: "under a minute", "about 5 minutes", "about 2.5 hours"."""
    minutes = round(seconds / 60)
    if minutes >= 90:
        return f"about {seconds / 3600:.2g} hours"
    return f"about {minutes} minute{'' if minutes == 1 else 's'}" if minutes else "under a minute"


def metric_name(text: object) -> str:
    """Returns a setting's name in the characters that MLflow takes for a metric."""
    return "".join(c if c.isalnum() or c in "._- " else "_" for c in str(text))


def count_text(counts: "pd.Series[int]", noun: str = "seed") -> str:
    """Returns how many there are, as captions say it: "1 seed", "3 seeds" or "2 to 3 seeds"."""
    low, high = counts.min(), counts.max()
    return f"{low if low == high else f'{low} to {high}'} {noun}{'' if high == 1 else 's'}"
