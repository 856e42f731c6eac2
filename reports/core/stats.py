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


def by_corruption(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a trial's accuracy under each corruption, and on clean data: the mean over severities.

    Accuracies of other benchmarks (attacks, say, on images of their own choice) have no family and do not count.
    table: tidy rows. Columns: those of TRIAL, family, corruption, accuracy.
    """
    counts = (table["benchmark"] == "clean") | table["family"].notna()
    rows = table[(table["metric"] == "accuracy") & counts]
    keys = [*TRIAL, "family", "corruption"]
    return rows.groupby(keys, sort=False, dropna=False)["value"].mean().rename("accuracy").reset_index()


def by_trial(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a trial and a column for each of MEASURES: means over corruptions of means over severities."""
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
    if seeds <= EXACT:
        resamples = np.array(list(product(range(seeds), repeat=seeds)))
    else:
        resamples = np.random.default_rng(0).integers(seeds, size=(DRAWS, seeds))
    tops = x[accuracy[:, resamples].mean(axis=2).argmax(axis=0)]
    tail = (1 - level) / 2
    low, high = np.quantile(tops, [tail, 1 - tail], method="inverted_cdf")
    return best, float(low), float(high)


def percent(mean: float, std: float | None = None) -> str:
    """Returns a fraction as print shows it: "97.3" or "97.3 ± 0.4"; "" for a missing one."""
    if pd.isna(mean):
        return ""
    return f"{100 * mean:.1f}" if std is None or pd.isna(std) else f"{100 * mean:.1f} ± {100 * std:.1f}"
