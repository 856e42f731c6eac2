"""Accuracy versus sigma (Rusak et al. 2020, figure 2), or versus any other numeric parameter: all corruptions, and
those that are not noise."""

from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from reports.core.cells import cell
from reports.core.compare import marks_note
from reports.core.curves import AXES, X, common_text, curves, near_text, report_along
from reports.core.lines import curve_looks, draw_line
from reports.core.looks import signs
from reports.core.panels import legend_below
from reports.core.stats import MEASURES, TRIAL, by_trial, count_text, percent
from reports.core.style import column_width, legend_columns, text_width

BANDS = 3
"""Most references that show a band; more would hide the curves."""
PANELS = ("corruption", "corruption_no_noise")


def points(table: pd.DataFrame, x: str = X) -> pd.DataFrame:
    """Returns one row a setting and measure, as `reports.core.curves.curves` has it; all arms are compared together."""
    if x not in table:
        return pd.DataFrame()
    long = by_trial(table).melt(TRIAL, list(MEASURES), "measure", "accuracy")
    if long.empty:
        return pd.DataFrame()
    frame = curves(long, table, x, "measure")
    return frame.sort_values(["measure", "arm", "x"], kind="stable", ignore_index=True)


def table(points: pd.DataFrame, x: str = X) -> pd.DataFrame:
    """Returns a row a setting: x, n, mean ± std of each measure in percent."""
    rows = []
    for (arm, config), group in points.groupby(["arm", "config"], sort=False):
        cells = {"Training": arm, x: "" if group["x"].isna().all() else f"{group['x'].iloc[0]:g}"}
        cells["n"] = str(group["n"].max())
        for measure, name in MEASURES.items():
            for row in group[group["measure"] == measure].itertuples():
                cells[name] = cell(percent(row.mean, row.std), row.best, row.worse)
        rows.append({"_x": group["x"].iloc[0], "_config": config, **cells})
    frame = pd.DataFrame(rows).fillna({"_x": float("inf")}).sort_values("_x", kind="stable")
    return frame.drop(columns=["_x", "_config"]).fillna("")


def caption(points: pd.DataFrame, x: str = X) -> str:
    """Returns what the figure and the table show."""
    frame = points.dropna(subset="optimum")
    vanilla, hollow = ", sigma 0 is vanilla training" * (x == X), ""
    if points["below_optimum"].any():
        hollow = "; a hollow point is significantly worse than the best of its curve"
    if frame["optimum_low"].notna().any():
        hollow += "; a ring is the best of a curve, with its 95% bootstrap interval (horizontal bars)"
    main = next(part for m in (*PANELS, "clean") if len(part := points[points["measure"] == m]))
    text = (
        f"Top-1 accuracy in percent, mean ± standard deviation (bands) over n = {count_text(points['n'])}{vanilla}"
        f"{hollow}. {marks_note(points, main, MEASURES[main['measure'].iloc[0]].lower())}"
    )
    for measure in PANELS:
        for arm, curve in frame[frame["measure"] == measure].groupby("arm", sort=False):
            text += f" {arm}, {MEASURES[measure].lower()}: best {x} {_best_text(curve, x)}."
    return text


def _best_text(curve: pd.DataFrame, x: str) -> str:
    """Returns what the caption says of a curve's best: where it is, over which seeds, its interval, what is near."""
    row, common = curve.iloc[0], common_text(curve)
    if pd.isna(row["optimum_low"]):
        return f"{row['optimum']:g}{common or ', one seed'}, so no interval"
    interval = f"95% bootstrap interval over seeds {row['optimum_low']:g} to {row['optimum_high']:g}"
    return f"{row['optimum']:g}{common}, {interval}; {near_text(curve, x)}"


def summary(points: pd.DataFrame, x: str = X) -> dict[str, float]:
    """Returns the best x of each panel and the accuracy there over the same seeds, of the first curve."""
    frame = points[points["x"] == points["optimum"]].drop_duplicates("measure").set_index("measure")
    return {
        name: float(value)
        for measure in (m for m in PANELS if m in frame.index)
        for name, value in (
            (f"best_{x}.{measure}", frame.loc[measure, "optimum"]),
            (f"best_accuracy.{measure}", frame.loc[measure, "optimum_mean"]),
        )
    }


def draw(points: pd.DataFrame, x: str = X) -> Figure:
    """Returns a panel a measure under corruption, clean where there is none: curves with bands, the rest as lines
    across, the optimum with its interval."""
    measures = [m for m in PANELS if m in points["measure"].to_numpy()] or ["clean"]
    appearance = curve_looks(points)
    columns = legend_columns(list(appearance), text_width())
    width = text_width() if len(measures) > 1 else column_width()
    figure = Figure(figsize=(width, 2.5 + 0.15 * -(-len(appearance) // columns)), layout="constrained")
    axes = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    references = points.loc[points["x"].isna(), "arm"].nunique()
    for axis, measure in zip(axes, measures, strict=True):
        rows = points[points["measure"] == measure]
        for arm, look in appearance.items():
            group = rows[rows["arm"] == arm]
            if len(group):
                opacity = 0 if group["x"].isna().all() and references > BANDS else 0.2
                draw_line(axis, group, look, signs(arm), opacity=opacity)
                _interval(axis, group, look.color)
        axis.set(title=MEASURES[measure], xlabel=AXES.get(x, x))
        if points["x"].isna().all():  # nothing has a place on it
            axis.set(xticks=[], xlabel="")
        axis.margins(y=0.15)
    axes[0].set_ylabel("top-1 accuracy (%)")
    legend_below(figure, axes)
    return figure


def _interval(axis: Axes, group: pd.DataFrame, colour: str) -> None:
    """Writes where a curve is best, and draws the interval of it."""
    best, low, high = group[["optimum", "optimum_low", "optimum_high"]].iloc[0]
    if pd.isna(best):  # a reference, or no seed is finished for every setting
        return
    top = 100 * group.loc[group["x"] == best, "mean"].iloc[0]
    text = f"best {best:g}"
    if not pd.isna(low):
        axis.errorbar(best, top, xerr=[[best - low], [high - best]], color=colour, capsize=3, linewidth=1, zorder=4)
        text += f"\n[{low:g}, {high:g}]"
    ends = {group["x"].min(): "left", group["x"].max(): "right"}  # inside the axes
    note = axis.annotate(text, (best, top), (0, 8), textcoords="offset points", ha=ends.get(best, "center"),
                         va="bottom", fontsize="small")  # fmt: skip
    note.set_path_effects([withStroke(linewidth=2, foreground="white")])


along = partial(
    report_along, "Accuracy versus {x}", points=points, table=table, caption=caption, draw=draw, summary=summary
)
"""A numeric parameter's name -> the report with it on its axis."""
REPORT = along(X)
