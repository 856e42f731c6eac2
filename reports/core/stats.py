"""Arithmetic that reports share: from tidy rows to one number a trial, and from trials to means over seeds."""

from itertools import product

import numpy as np
import pandas as pd

MEASURES = {"clean": "Clean", "corruption": "All corruptions", "corruption_no_noise": "Without noise"}
"""Accuracies of a trial -> how they are called in print."""
TRIAL = ["arm", "label", "config", "trial", "seed"]
EXACT = 5
"""Up to this many seeds a bootstrap enumerates every resample."""
DRAWS = 10_000


def main_benchmarks(table: pd.DataFrame) -> dict[str, str]:
    """Returns dataset -> its main benchmark of corruptions: that of the headline numbers and of "all corruptions".

    It is the one that most of the dataset's trials have; of several, a published one (its name ends in -c) before one
    made here, then the first by name.
    """
    rows = table[(table["metric"] == "accuracy") & table["family"].notna()]
    counts = rows.groupby(["data", "benchmark"], sort=True)["trial"].nunique().reset_index()
    counts["made"] = ~counts["benchmark"].str.endswith("-c")
    order = counts.sort_values(["trial", "made", "benchmark"], ascending=[False, True, True])
    return dict(order.drop_duplicates("data").set_index("data")["benchmark"])


def by_corruption(table: pd.DataFrame) -> pd.DataFrame:
    """Returns `by_benchmark` of the main benchmark of the trial's dataset (`main_benchmarks`), and of clean data."""
    means = by_benchmark(table)
    main = means["data"].map(main_benchmarks(table))
    keep = (means["benchmark"] == "clean") | (means["benchmark"] == main)
    return means[keep].drop(columns=["data", "benchmark"]).reset_index(drop=True)


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

    Corruptions are those of the main benchmark of the trial's dataset (`main_benchmarks`).
    """
    means = by_corruption(table)
    corrupted = means[means["corruption"] != "clean"]
    columns = {
        "clean": means[means["corruption"] == "clean"],
        "corruption": corrupted,
        "corruption_no_noise": corrupted[corrupted["family"] != "noise"],
    }
    parts = [part.groupby(TRIAL, sort=False)["accuracy"].mean().rename(name) for name, part in columns.items()]
    return pd.concat(parts, axis=1).reset_index()


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


def count_text(counts: "pd.Series[int]", noun: str = "seed") -> str:
    """Returns how many there are, as captions say it: "1 seed", "3 seeds" or "2 to 3 seeds"."""
    low, high = counts.min(), counts.max()
    return f"{low if low == high else f'{low} to {high}'} {noun}{'' if high == 1 else 's'}"
