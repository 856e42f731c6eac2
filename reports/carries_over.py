"""Whether gains on the common corruptions carry over to corruptions that resemble none of them (C-bar)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.core.choose import base, base_label, limit_text, strongest
from reports.core.compare import compare, gain_note, gain_text, with_gains
from reports.core.looks import in_order, shortened
from reports.core.panels import legend_below
from reports.core.report import Report
from reports.core.stats import TRIAL, by_benchmark, by_trial, count_text, percent
from reports.core.style import PALETTE, text_width

MEASURES = {"c": "C", "c_bar": "C-bar", "apart": "C-bar less C"}
LIMIT = 40


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and measure: what `compare` tells of it, its gain over the base as `with_gains` has it,
    verdict, base_label, shown.

    Measures: c, the mean accuracy over the headline benchmark's corruptions; c_bar, that over C-bar's; apart, c_bar
    less c, whose gain is how much less (or more) a setting gains on C-bar. verdict, of the setting: "yes" where the
    gain on C-bar is certainly above 0, "reversed" where it is certainly below, "not settled" otherwise, and "" of the
    base or without an interval. Empty without C-bar, without a base, or below two settings.
    """
    trials, reference = _accuracies(table), base(table)
    if reference is None or trials["config"].nunique() < 2:
        return pd.DataFrame()
    long = trials.melt(TRIAL, list(MEASURES), "measure")
    frame = compare(long, "measure")
    frame = with_gains(frame, long, "measure", dict.fromkeys(long["config"], reference))
    gains = frame[(frame["measure"] == "c_bar") & ~frame["base"]].set_index("config")
    verdicts = gains.apply(lambda row: _verdict(row["gain_low"], row["gain_high"]), axis=1)
    frame["verdict"] = frame["config"].map(verdicts).fillna("") if len(gains) else ""
    shown = strongest(table, LIMIT, reference)
    return frame.assign(base_label=base_label(table), shown=frame["config"].isin(shown))


def _accuracies(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a trial that was measured on both: TRIAL, c, c_bar, apart."""
    bar = table["benchmark"].str.contains(r"^c_bar|-bar$")
    c_bar = by_benchmark(table[bar]).groupby(TRIAL, sort=False)["accuracy"].mean().rename("c_bar")
    both = by_trial(table[~bar]).rename(columns={"corruption": "c"}).join(c_bar, on=TRIAL)
    both = both[[*TRIAL, "c", "c_bar"]].dropna(subset=["c", "c_bar"])
    return both.assign(apart=both["c_bar"] - both["c"])


def _verdict(low: float, high: float) -> str:
    if np.isnan(low):
        return ""
    return "yes" if low > 0 else "reversed" if high < 0 else "not settled"


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, both accuracies of the base or both gains and their difference, and the verdict."""
    rows = []
    for config in in_order(points).index:
        mine = points[points["config"] == config].set_index("measure")
        accuracies = {f"{MEASURES[m]} (%)": percent(mine.loc[m, "mean"], mine.loc[m, "std"]) for m in ("c", "c_bar")}
        gains = {
            name: "" if mine["base"].any() else gain_text(*mine.loc[m, ["gain", "gain_low", "gain_high"]])
            for m, name in {"c": "Gain on C", "c_bar": "Gain on C-bar", "apart": "Difference"}.items()
        }
        about = {"Training": mine["label"].iloc[0], "n": str(mine["n"].max())}
        rows.append({**about, **accuracies, **gains, "Carries over": mine["verdict"].iloc[0]})
    return pd.DataFrame(rows)


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    gains = gain_note(points, points["base_label"].iloc[0], drawn="bars")
    return (
        "Top-1 accuracy in percent, mean ± standard deviation, and gains in points over n = "
        f"{count_text(points['n'])}: on the common corruptions (C) and on ten that resemble none of them (C-bar, "
        f"Mintun et al. 2021). {gains} Carries over: yes where the interval of the gain on C-bar is above 0, reversed "
        f"where it is below.{limit_text(points)}"
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns how many settings' gains carry over, of those that gain on C."""
    gains = points[(points["measure"] == "c") & ~points["base"] & (points["gain_low"] > 0)]
    return {"gain_on_c": float(len(gains)), "carries_over": float((gains["verdict"] == "yes").sum())}


def draw(points: pd.DataFrame) -> Figure:
    """Returns a line a setting with both gains and their intervals."""
    points = points[points["shown"] & ~points["base"]]
    settings = in_order(points)
    figure = Figure(figsize=(text_width(), 1.0 + 0.24 * len(settings)), layout="constrained")
    axis = figure.subplots()
    for number, measure in enumerate(("c", "c_bar")):
        mine = points[points["measure"] == measure].set_index("config").reindex(settings.index)
        height = np.arange(len(settings)) + 0.16 * (2 * number - 1)
        colour, mark = PALETTE[number], "os"[number]
        axis.hlines(height, 100 * mine["gain_low"], 100 * mine["gain_high"], color=colour, linewidth=1.5)
        axis.plot(100 * mine["gain"], height, mark, color=colour, markersize=4, label=f"on {MEASURES[measure]}")
    axis.axvline(0, color="grey", linewidth=0.8)
    axis.set(yticks=range(len(settings)), yticklabels=[shortened(label) for label in settings["label"]])
    axis.set_xlabel("gain over the base (points)")
    axis.invert_yaxis()
    legend_below(figure, [axis])
    return figure


REPORT = Report(
    title="Do the gains carry over?",
    points=points,
    table=table,
    caption=caption,
    draw=draw,
    summary=summary,
    headline=True,
)
