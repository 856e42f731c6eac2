"""Accuracy along a numeric parameter: which trials lie on which curve, means over seeds, and each curve's best."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd

from reports.core.report import Report
from reports.core.settings import value_in_print
from reports.core.stats import best_interval, count_text

X = "sigma"
"""The parameter along which reports look if no other is asked for."""
AXES = {"sigma": "training noise sigma (pixels in [0, 1])"}
"""Parameter -> what its axis says, where that is more than its name."""

BEST = ("best", "best_low", "best_high", "best_n", "best_mean", "best_std")
"""What `curves` tells of a curve's optimum."""


def report_along(title: str, x: str, /, **functions: Callable[..., Any]) -> Report:
    """Returns the report with the numeric parameter x on its axis.

    title: has {x} where the parameter's name stands. functions: the report's, by their names in `Report`; each takes x.
    """
    parts: dict[str, Any] = {name: partial(function, x=x) for name, function in functions.items()}
    return Report(title=title.format(x=x), along=partial(report_along, title, **functions), headline=True, **parts)


def curve_names(table: pd.DataFrame, x: str) -> "pd.Series[str]":
    """Returns config -> the name of the curve along x that the setting lies on.

    The curve is its arm and what varies in the arm beside x; its name says both: "GNT, lr 0.01". Different curves have
    different names: where they would not (numbers that differ after 6 digits) their place among these is added.
    """
    settings = table.drop_duplicates("config").set_index("config")
    names: dict[tuple[str, str], str] = {}
    keys: dict[str, tuple[str, str]] = {}
    for config, arm, varied in settings[["arm", "varied"]].itertuples(name=None):
        others = {name: value for name, value in json.loads(varied).items() if name != x}
        keys[config] = arm, json.dumps(others, sort_keys=True)
        names[keys[config]] = arm + "".join(f", {name} {value_in_print(value)}" for name, value in others.items())
    places: Counter[str] = Counter()
    for key, name in sorted(names.items()):
        places[name] += 1
        names[key] = name if places[name] == 1 else f"{name} ({places[name]})"
    return pd.Series({config: names[key] for config, key in keys.items()}, dtype=object)


def curves(trials: pd.DataFrame, table: pd.DataFrame, x: str, panel: Sequence[str]) -> pd.DataFrame:
    """Returns one row a setting and panel: arm, config, x (nan for a reference), *panel, n, mean, std, and the best.

    trials: a trial's accuracy in each panel: label, config, trial, seed, *panel, accuracy. table: the tidy rows, which
    have a column x. arm: the curve's name (`curve_names`). What has one value of x is a reference; so is a setting
    whose x is no number, with its label as the name. best, best_low, best_high: the curve's optimum with its 95%
    bootstrap interval over the seeds that every setting of the curve has; best_n, best_mean, best_std: the number of
    these seeds, and the accuracy at the optimum over them. nan for references, where there is no such seed, and the
    interval's ends and best_std also where there is only one.
    """
    # What is no number, such as a list, has no place on the axis.
    values = pd.to_numeric(table.drop_duplicates("config").set_index("config")[x], errors="coerce")
    long = trials.assign(x=trials["config"].map(values), arm=trials["config"].map(curve_names(table, x)))
    long["arm"] = long["arm"].where(long["x"].notna(), long["label"])
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
