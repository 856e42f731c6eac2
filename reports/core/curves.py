"""Accuracy along a numeric parameter: which trials lie on which curve, means over seeds, and each curve's best."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from reports.core.compare import compare
from reports.core.report import Report
from reports.core.settings import value_in_print
from reports.core.significance import with_best
from reports.core.stats import best_interval, count_text

X = "sigma"
"""The parameter along which reports look if no other is asked for."""
AXES = {"sigma": "training noise σ (pixels in [0, 1])"}
"""Parameter -> what its axis says, where that is more than its name."""

OPTIMUM = ("optimum", "optimum_low", "optimum_high", "optimum_n", "optimum_mean", "optimum_std")
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


def curves(trials: pd.DataFrame, table: pd.DataFrame, x: str, panel: str) -> pd.DataFrame:
    """Returns one row a setting and panel: what `compare` tells of its accuracy, arm, x (nan for a reference), members,
    OPTIMUM, below_optimum.

    trials: a trial's accuracy in each panel: TRIAL, `panel`, accuracy. table: the tidy rows, which have a column x.
    arm: the curve's name (`curve_names`). What has one value of x is a reference; so is a setting whose x is no number,
    with its label as the name. members: JSON of the set of values of x that a setting has, where it is of the method of
    a curve, so that they have a place on its axis; else nan.
    optimum, optimum_low, optimum_high: the x of the curve's highest mean with its 95% bootstrap interval over the seeds
    that every setting of the curve has; optimum_n, optimum_mean, optimum_std: the number of these seeds, and the
    accuracy at the optimum over them. nan for references, where there is no such seed, and the interval's ends and
    optimum_std also where there is only one.
    below_optimum: whether the setting is significantly worse than the optimum of its curve (`with_best`, in the family
    of all settings of the panel).
    """
    long = trials.rename(columns={"accuracy": "value"}).dropna(subset="value")
    # What is no number, such as a list, has no place on the axis.
    settings = table.drop_duplicates("config").set_index("config")
    values = settings[x]
    places = pd.to_numeric(values, errors="coerce")
    frame = compare(long, panel)
    frame = frame.assign(x=frame["config"].map(places), arm=frame["config"].map(curve_names(table, x)))
    frame["arm"] = frame["arm"].where(frame["x"].notna(), frame["label"])
    frame["x"] = frame["x"].where(frame.groupby("arm")["x"].transform("nunique") > 1)
    method, sets = frame["config"].map(settings["method"]), values.where(values.map(_is_set))
    frame["members"] = frame["config"].map(sets).where(method.isin(method[frame["x"].notna()]))
    frame[list(OPTIMUM)], frame["below_optimum"] = float("nan"), False
    for name, part in frame[frame["x"].notna()].groupby(panel):
        values = long[long[panel] == name].pivot(index="config", columns="seed", values="value")
        for _, curve in part.groupby("arm"):
            shared = values.loc[curve["config"]].dropna(axis="columns")
            if shared.size:
                optimum = _optimum(curve["x"].to_numpy(), shared.to_numpy())
                best = curve.loc[curve["x"] == optimum[0], "config"].iloc[0]
                frame.loc[curve.index, list(OPTIMUM)] = optimum
                worse = with_best(values, best=best).table["worse"]
                frame.loc[curve.index, "below_optimum"] = worse[curve["config"]].to_numpy()
    return frame


def near_text(curve: pd.DataFrame, x: str) -> str:
    """Returns what captions say of the values of x that are not significantly worse than a curve's optimum."""
    near = ~curve.sort_values("x").set_index("x")["below_optimum"]
    if near.all():
        return f"no other {x} is told apart from it"
    if near.sum() == 1:
        return f"every other {x} is significantly worse"
    runs = [list(run.index) for _, run in near[near].groupby((near != near.shift()).cumsum()[near])]
    texts = [f"{run[0]:g}" if len(run) == 1 else f"{run[0]:g} to {run[-1]:g}" for run in runs]
    return f"not told apart from the best: {x} {', '.join(texts)}"


def common_text(curve: pd.DataFrame) -> str:
    """Returns what captions say of the seeds of a curve's best, "" where they are all; of several curves, of theirs.

    curve: rows of `curves` that have an optimum.
    """
    if (curve["optimum_n"] >= curve["n"].groupby(curve["arm"]).transform("max")).all():
        return ""
    return f" over the {count_text(curve['optimum_n'].astype(int))} that every setting has"


def _is_set(value: Any) -> bool:
    """Whether a cell of a table is the JSON of a list of numbers."""
    if not isinstance(value, str) or not value.startswith("["):
        return False
    return all(isinstance(member, int | float) for member in json.loads(value))


def _optimum(x: np.ndarray, accuracy: np.ndarray) -> tuple[float, ...]:
    """Returns the values of OPTIMUM of a curve: x (K,), accuracy (K, S), complete."""
    best, low, high = best_interval(x, accuracy)
    top = pd.Series(accuracy[x == best].mean(axis=0))
    return best, low, high, len(top), float(top.mean()), float(top.std())
