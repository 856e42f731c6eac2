"""Accuracy along a numeric parameter: which trials lie on which curve, means over seeds, and each curve's best."""

import re
from collections.abc import Sequence

import pandas as pd

from reports.core.stats import best_interval, count_text

X = "sigma"
"""The parameter along which reports look if no other is asked for."""
AXES = {"sigma": "training noise sigma (pixels in [0, 1])"}
"""Parameter -> what its axis says, where that is more than its name."""

BEST = ("best", "best_low", "best_high", "best_n", "best_mean", "best_std")
"""What `curves` tells of a curve's optimum."""


def curves(trials: pd.DataFrame, table: pd.DataFrame, x: str, panel: Sequence[str]) -> pd.DataFrame:
    """Returns one row a setting and panel: arm, config, x (nan for a reference), *panel, n, mean, std, and the best.

    trials: a trial's accuracy in each panel: label, config, trial, seed, *panel, accuracy. table: the tidy rows, which
    have a column x. An arm with two or more values of x is a curve, any other a reference; where it varies in more than
    x, there is a curve for each of its other values ("GNT, lr 0.01"). best, best_low, best_high: the curve's
    optimum with its 95% bootstrap interval over the seeds that every setting of the curve has; best_n, best_mean,
    best_std: the number of these seeds, and the accuracy at the optimum over them. nan for references, where there is
    no such seed, and the interval's ends and best_std also where there is only one.
    """
    values = pd.to_numeric(table.drop_duplicates("trial").set_index("trial")[x], errors="coerce")
    long = trials.assign(x=trials["trial"].map(values))
    without = trials["label"].str.replace(rf", {re.escape(x)} [^, ]+(?=, |$)", "", regex=True)
    # What is no number, such as a list, has no place on the axis.
    long["arm"] = without.where(long["x"].notna(), trials["label"])
    lines = [arm for arm, group in long.groupby("arm", sort=False) if group["x"].nunique() > 1]
    long.loc[~long["arm"].isin(lines), "x"] = float("nan")
    keys = ["arm", "config", "x", *panel]
    means = long.groupby(keys, sort=False, dropna=False)["accuracy"].agg(n="count", mean="mean", std="std")
    best = [
        (*where, *_best(matrix))
        for where, group in long[long["arm"].isin(lines)].groupby(["arm", *panel])
        if (matrix := _by_seed(group)).size
    ]
    named = pd.DataFrame(best, columns=["arm", *panel, *BEST])
    return means.reset_index().merge(named, on=["arm", *panel], how="left").astype(dict.fromkeys(BEST, float))


def common_text(curve: pd.DataFrame) -> str:
    """Returns what captions say of the seeds of a curve's best, "" where they are all; of several curves, of theirs.

    curve: rows of `curves` that have a best.
    """
    if (curve["best_n"] >= curve["n"].groupby(curve["arm"]).transform("max")).all():
        return ""
    return f" over the {count_text(curve['best_n'].astype(int))} that every setting has"


def _best(matrix: pd.DataFrame) -> tuple[float, ...]:
    """Returns the values of BEST of a curve as `_by_seed` has it."""
    best, low, high = best_interval(matrix.index.to_numpy(), matrix.to_numpy())
    top = matrix.loc[best]
    return best, low, high, len(top), float(top.mean()), float(top.std())


def _by_seed(curve: pd.DataFrame) -> pd.DataFrame:
    """Returns a curve as a row an x and a column a seed, of the seeds that every x has."""
    return curve.pivot_table(index="x", columns="seed", values="accuracy").dropna(axis="columns")
