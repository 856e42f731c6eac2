"""What each setting gains over the base, seed by seed: differences at common seeds, with their intervals."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.choose import base, limit_text, strongest
from reports.core.compare import GAIN, SETTING, compare, gain_note, gain_text, p_text, with_gains
from reports.core.looks import in_order
from reports.core.report import Report
from reports.core.seed_lines import main_accuracy, seed_columns, seed_lines
from reports.core.stats import MEASURES, by_trial, count_text, percent

LIMIT = 24
SEED = "gain at seed "
"""Columns of the points: the gain at one seed."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting: SETTING, measure, n, mean and std of its accuracy over seeds, base, GAIN, shown, and
    SEED with the seed's number for each seed.

    measure: accuracy under corruption, of clean images where nothing else was measured. GAIN: over the base
    (`reports.core.choose.base`) as `reports.core.compare.with_gains` has it. shown: whether the figure shows the
    setting. Empty without a base.
    """
    trials = by_trial(table)
    over = base(table) if len(trials) else None
    if over is None:
        return pd.DataFrame()
    long = main_accuracy(trials)
    frame = with_gains(compare(long, "measure"), long, "measure", dict.fromkeys(long["config"], over))
    values = long.pivot(index="config", columns="seed", values="value")
    if over not in frame["config"].to_numpy():  # none of its trials is finished
        return pd.DataFrame()
    each = (values - values.loc[over]).add_prefix(SEED).reset_index()
    frame = frame.set_index("config").loc[in_order(frame).index].reset_index()
    chosen = frame[[*SETTING, "measure", "n", "mean", "std", "base", *GAIN]]
    return chosen.assign(shown=frame["config"].isin(strongest(table, LIMIT, over))).merge(each, on="config")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, accuracy in percent, the gain with its interval, p, and the gain at each seed."""
    rows = []
    for row in points.to_dict("records"):
        gains = [row[name] for name in seed_columns(points, SEED)]
        interval = gain_text(row["gain"], row["gain_low"], row["gain_high"])
        rows.append({
            "Training": row["label"], "n": str(row["n"]), MEASURES[row["measure"]]: percent(row["mean"], row["std"]),
            "Gain": "-" if row["base"] else interval, "p (Holm)": p_text(row["gain_p"]),
            "Gain at each seed": "" if row["base"] else ", ".join(gain_text(gain) for gain in gains if gain == gain),
        })  # fmt: skip
    return pd.DataFrame(rows)


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    name = MEASURES[points["measure"].iloc[0]].lower()
    over = points.loc[points["base"], "label"].iloc[0]
    apart = int((points["gain_n"] == 0).sum())
    alone = f" {apart} of {len(points)} settings share no seed with it, so far." if apart else ""
    return (
        f"Top-1 accuracy, mean ± standard deviation over n = {count_text(points['n'])}. "
        f"{gain_note(points, over, name, 'bars')}{alone} Each thin line is a seed.{limit_text(points)}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a row a setting: its mean gain with the interval; a thin line for each seed goes through all of them."""
    rows = points[points["shown"]]
    labels = [row.label + " (base)" * row.base for row in rows.itertuples()]
    name = f"gain over the base, {MEASURES[points['measure'].iloc[0]].lower()} (points)"
    seeds = rows[seed_columns(points, SEED)]
    figure = seed_lines(labels, seeds, rows["gain"], rows["gain_low"], rows["gain_high"], name)
    figure.axes[0].axvline(0, color="0.35", linewidth=0.8)
    return figure


REPORT = Report(title="Gain over the base", points=points, table=table, caption=caption, draw=draw, headline=True)
