"""Accuracy versus sigma (Rusak et al. 2020, figure 2), or versus any other numeric parameter: all corruptions, and
those that are not noise."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from reports.core.cells import bold
from reports.core.curves import AXES, X, common_text, curves, report_along
from reports.core.paired import compare, lead_note
from reports.core.stats import MEASURES, TRIAL, by_trial, count_text, percent
from reports.core.style import PALETTE, TWO_COLUMNS, legend_columns

BANDS = 3
"""Most references that show a band; more would hide the curves."""
PANELS = ("corruption", "corruption_no_noise")


def points(table: pd.DataFrame, x: str = X) -> pd.DataFrame:
    """Returns one row a setting and measure: arm, config, x, measure, n, mean, std, the curve's best, leads.

    leads: no other setting, of any arm, is significantly better in the measure (`reports.core.paired.leaders`). What
    the others are: `reports.core.curves.curves`.
    """
    if x not in table:
        return pd.DataFrame()
    long = by_trial(table).melt(TRIAL, list(MEASURES), "measure", "accuracy").dropna(subset="accuracy")
    found = curves(long, table, x, ["measure"])
    lead = compare(long.rename(columns={"accuracy": "value"}), "measure")[["config", "measure", "leads"]]
    return found.merge(lead, on=["config", "measure"]).sort_values(
        ["measure", "arm", "x"], kind="stable", ignore_index=True
    )


def table(points: pd.DataFrame, x: str = X) -> pd.DataFrame:
    """Returns a row a setting: x, n, mean ± std of each measure in percent, in bold what leads."""
    rows = []
    for (arm, config), group in points.groupby(["arm", "config"], sort=False):
        cells = {"Training": arm, x: "" if group["x"].isna().all() else f"{group['x'].iloc[0]:g}"}
        cells["n"] = str(group["n"].max())
        for measure, name in MEASURES.items():
            for row in group[group["measure"] == measure].itertuples():
                cells[name] = bold(percent(row.mean, row.std), row.leads)
        rows.append({"_x": group["x"].iloc[0], "_config": config, **cells})
    frame = pd.DataFrame(rows).fillna({"_x": float("inf")}).sort_values("_x", kind="stable")
    return frame.drop(columns=["_x", "_config"]).fillna("")


def caption(points: pd.DataFrame, x: str = X) -> str:
    """Returns what the figure and the table show."""
    found = points.dropna(subset="best")
    text = (
        f"Top-1 accuracy in percent, mean ± standard deviation over n = {count_text(points['n'])}; bands show "
        f"one standard deviation{', sigma 0 is vanilla training' if x == X else ''}. {lead_note(points)}"
    )
    for measure in PANELS:
        for arm, curve in found[found["measure"] == measure].groupby("arm", sort=False):
            text += f" {arm}, {MEASURES[measure].lower()}: best {x} {_best_text(curve)}."
    return text


def _best_text(curve: pd.DataFrame) -> str:
    """Returns what the caption says of a curve's best: where it is, over which seeds, and its interval."""
    row, common = curve.iloc[0], common_text(curve)
    if pd.isna(row["best_low"]):
        return f"{row['best']:g}{common or ', one seed'}, so no interval"
    return f"{row['best']:g}{common}, 95% bootstrap interval over seeds {row['best_low']:g} to {row['best_high']:g}"


def summary(points: pd.DataFrame, x: str = X) -> dict[str, float]:
    """Returns the best x of each panel and the accuracy there over the same seeds, of the first curve."""
    found = points[points["x"] == points["best"]].drop_duplicates("measure").set_index("measure")
    return {
        name: float(value)
        for measure in (m for m in PANELS if m in found.index)
        for name, value in (
            (f"best_{x}.{measure}", found.loc[measure, "best"]),
            (f"best_accuracy.{measure}", found.loc[measure, "best_mean"]),
        )
    }


def draw(points: pd.DataFrame, x: str = X) -> Figure:
    """Returns two panels: curves with bands, references as lines, the optimum marked with its interval."""
    arms = list(dict.fromkeys(points["arm"]))
    columns = legend_columns(arms, TWO_COLUMNS)
    figure = Figure(figsize=(TWO_COLUMNS, 2.7 + 0.17 * -(-len(arms) // columns)), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, measure in zip(axes, PANELS, strict=True):
        rows = points[points["measure"] == measure]
        references = rows.loc[rows["x"].isna(), "arm"].nunique()
        for index, (arm, group) in enumerate(rows.groupby("arm", sort=False)):
            colour = PALETTE[index % len(PALETTE)]
            mean, std = 100 * group["mean"], 100 * group["std"].fillna(0)
            if group["x"].isna().all():
                axis.axhline(mean.iloc[0], color=colour, linestyle="--", label=arm)
                if references <= BANDS:
                    axis.axhspan((mean - std).iloc[0], (mean + std).iloc[0], color=colour, alpha=0.12, linewidth=0)
                continue
            axis.plot(group["x"], mean, "o-", color=colour, label=arm)
            axis.fill_between(group["x"], mean - std, mean + std, color=colour, alpha=0.2, linewidth=0)
            _mark_best(axis, group, colour)
        axis.set(title=MEASURES[measure], xlabel=AXES.get(x, x), ylabel="top-1 accuracy (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
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
    ends = {group["x"].min(): "left", group["x"].max(): "right"}  # inside the axes
    axis.annotate(text, (best, top), (0, 8), textcoords="offset points", ha=ends.get(best, "center"), va="bottom")
    axis.margins(y=0.22)


along = partial(
    report_along, "Accuracy versus {x}", points=points, table=table, caption=caption, draw=draw, summary=summary
)
"""A numeric parameter's name -> the report with it on its axis."""
REPORT = along(X)
