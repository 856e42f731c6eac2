"""Accuracy versus sigma (Rusak et al. 2020, figure 2): all corruptions, and those that are not noise."""

import re

import pandas as pd
from matplotlib.figure import Figure

from reports.core.report import Report
from reports.core.stats import MEASURES, best_interval, by_trial, percent
from reports.core.style import PALETTE, TWO_COLUMNS

X = "sigma"
PANELS = ("corruption", "corruption_no_noise")


def points(table: pd.DataFrame, x: str = X) -> pd.DataFrame:
    """Returns one row a setting and measure: arm, x (nan for a reference), measure, n, mean, std, and the arm's best.

    An arm with two or more values of x is a curve, any other a reference; where it varies in more than x, there is a
    curve for each of its other values ("GNT, lr 0.01"). best, best_low, best_high: the curve's
    optimum with its 95% bootstrap interval over the seeds that every setting of the curve has; nan for references,
    where there is no such seed, and the interval's ends also where there is only one.
    """
    if x not in table:
        return pd.DataFrame()
    trials = by_trial(table)
    values = pd.to_numeric(table.drop_duplicates("trial").set_index("trial")[x], errors="coerce")
    trials["x"] = trials["trial"].map(values)
    trials["arm"] = trials["label"].str.replace(rf", {re.escape(x)} [^,]+", "", regex=True)
    long = trials.melt(["arm", "config", "seed", "x"], list(MEASURES), "measure", "accuracy").dropna(subset="accuracy")
    curves = [arm for arm, group in long.groupby("arm", sort=False) if group["x"].nunique() > 1]
    long.loc[~long["arm"].isin(curves), "x"] = float("nan")
    keys = ["arm", "config", "x", "measure"]
    found = (
        long.groupby(keys, sort=False, dropna=False)["accuracy"].agg(n="count", mean="mean", std="std").reset_index()
    )
    found[["best", "best_low", "best_high"]] = float("nan")
    for (arm, measure), group in long[long["arm"].isin(curves)].groupby(["arm", "measure"]):
        matrix = group.pivot_table(index="x", columns="seed", values="accuracy").dropna(axis="columns")
        if matrix.size:
            here = (found["arm"] == arm) & (found["measure"] == measure)
            best = best_interval(matrix.index.to_numpy(), matrix.to_numpy())
            found.loc[here, ["best", "best_low", "best_high"]] = best
    return found.sort_values(["measure", "arm", "x"], kind="stable", ignore_index=True)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: sigma, n, mean ± std of each measure in percent; the best of a curve is starred."""
    rows = []
    for (arm, config), group in points.groupby(["arm", "config"], sort=False):
        cells = {"Training": arm, "sigma": "" if group["x"].isna().all() else f"{group['x'].iloc[0]:g}"}
        cells["n"] = str(group["n"].max())
        for measure, name in MEASURES.items():
            for row in group[group["measure"] == measure].itertuples():
                cells[name] = percent(row.mean, row.std) + (" *" if row.x == row.best else "")
        rows.append({"_x": group["x"].iloc[0], "_config": config, **cells})
    frame = pd.DataFrame(rows).fillna({"_x": float("inf")}).sort_values("_x", kind="stable")
    return frame.drop(columns=["_x", "_config"]).fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    found = points.dropna(subset="best").drop_duplicates(["arm", "measure"]).set_index("measure")
    text = (
        f"Top-1 accuracy in percent, mean ± standard deviation over n = {_range(points['n'])} seeds; bands show one "
        "standard deviation, sigma 0 is vanilla training. * is the best sigma of its column."
    )
    for measure in (m for m in PANELS if m in found.index):
        for row in found.loc[[measure]].itertuples():
            interval = f"95% bootstrap interval over seeds {row.best_low:g} to {row.best_high:g}"
            spread = "one seed, so no interval" if pd.isna(row.best_low) else interval
            text += f" {row.arm}, {MEASURES[measure].lower()}: best sigma {row.best:g}, {spread}."
    return text


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the best sigma of each panel and the accuracy there, of the first curve."""
    found = points[points["x"] == points["best"]].drop_duplicates("measure").set_index("measure")
    return {
        name: float(value)
        for measure in (m for m in PANELS if m in found.index)
        for name, value in (
            (f"best_sigma.{measure}", found.loc[measure, "best"]),
            (f"best_accuracy.{measure}", found.loc[measure, "mean"]),
        )
    }


def draw(points: pd.DataFrame) -> Figure:
    """Returns two panels: curves with bands, references as lines, the optimum marked with its interval."""
    figure = Figure(figsize=(TWO_COLUMNS, 2.9), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, measure in zip(axes, PANELS, strict=True):
        rows = points[points["measure"] == measure]
        for index, (arm, group) in enumerate(rows.groupby("arm", sort=False)):
            colour = PALETTE[index % len(PALETTE)]
            mean, std = 100 * group["mean"], 100 * group["std"].fillna(0)
            if group["x"].isna().all():
                axis.axhline(mean.iloc[0], color=colour, linestyle="--", label=arm)
                axis.axhspan((mean - std).iloc[0], (mean + std).iloc[0], color=colour, alpha=0.12, linewidth=0)
                continue
            axis.plot(group["x"], mean, "o-", color=colour, label=arm)
            axis.fill_between(group["x"], mean - std, mean + std, color=colour, alpha=0.2, linewidth=0)
            _mark_best(axis, group, colour)
        axis.set(title=MEASURES[measure], xlabel="training noise sigma (pixels in [0, 1])", ylabel="top-1 accuracy (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _mark_best(axis, group: pd.DataFrame, colour: str) -> None:  # type: ignore[no-untyped-def]
    best, low, high = group[["best", "best_low", "best_high"]].iloc[0]
    if pd.isna(best):  # no seed is finished for every setting
        return
    top = 100 * group.loc[group["x"] == best, "mean"].iloc[0]
    axis.plot(best, top, marker="*", markersize=11, color=colour, markeredgecolor="white", linestyle="none", zorder=5)
    text = f"best {best:g}"
    if not pd.isna(low):
        axis.errorbar(best, top, xerr=[[best - low], [high - best]], color=colour, capsize=3, linewidth=1, zorder=4)
        text += f"\n[{low:g}, {high:g}]"
    axis.annotate(text, (best, top), (0, 8), textcoords="offset points", ha="center", va="bottom")
    axis.margins(y=0.22)


def _range(counts: "pd.Series[int]") -> str:
    low, high = counts.min(), counts.max()
    return str(low) if low == high else f"{low} to {high}"


REPORT = Report(title="Accuracy versus sigma", points=points, table=table, caption=caption, draw=draw, summary=summary)
