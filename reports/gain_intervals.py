"""How sure a gain is: intervals of the gain over the base for other training runs, other test images, and both."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.core.choose import base
from reports.core.compare import SETTING
from reports.core.image_intervals import gains, intervals
from reports.core.looks import signs
from reports.core.panels import legend_below
from reports.core.report import Report
from reports.core.significance import with_base
from reports.core.style import PALETTE, text_width

SOURCES = {"seeds": "other seeds", "images": "other test images", "both": "both"}
"""Source of error -> what print calls it."""
CONDITION = ["benchmark", "corruption", "severity"]


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting but the base: SETTING, n, images, gain, and SOURCE_low and SOURCE_high of its interval.

    table: a row a trial and condition, with images and bits (`study.reporting.directories.correct`). gain: over the
    base (`reports.core.choose.base`) in the accuracy under corruption, the mean over conditions, at the n seeds and on
    the images that both have. Intervals of 95% (`reports.core.image_intervals.intervals`): over seeds with the
    moderated variance of all settings. Empty without a base, or where no trial says which images are correct.
    """
    reference = base(table.drop(columns=["images", "bits"])) if "bits" in table and len(table) else None
    if reference is None:
        return pd.DataFrame()
    bits = {key: _bits(part) for key, part in table.groupby(["config", "seed"], sort=False)}
    means = pd.Series({key: _accuracy(*value) for key, value in bits.items()}).unstack()
    compared = with_base(means, reference)
    rows = []
    for name, part in table.drop_duplicates("config").set_index("config").iterrows():
        seeds = [s for s in means.columns if _alike(bits.get((name, s)), bits.get((reference, s)))]
        if name == reference or not seeds:
            continue
        images = bits[name, seeds[0]][1]
        own, theirs = (np.stack([bits[config, seed][0] for seed in seeds]) for config in (name, reference))
        variance = compared.table.loc[name, "variance"]
        known = (float(variance), compared.df) if len(seeds) > 1 and variance > 0 else None
        result = intervals(gains(own, theirs, images), moderated=known)
        limits = {f"{source}_{end}": getattr(result, source)[place] for source in SOURCES
                  for place, end in enumerate(("low", "high"))}  # fmt: skip
        setting = {column: name if column == "config" else part[column] for column in SETTING}
        rows.append({**setting, "n": len(seeds), "images": images, "gain": result.gain, **limits})
    return pd.DataFrame(rows)


def _bits(part: pd.DataFrame) -> tuple[np.ndarray, int, tuple[tuple[object, ...], ...]]:
    """Returns a trial's packed bits (conditions, bytes), the number of images, and the conditions, in their order."""
    ordered = part.sort_values(CONDITION)
    rows = np.stack([np.frombuffer(bits, np.uint8) for bits in ordered["bits"]])
    return rows, int(ordered["images"].iloc[0]), tuple(ordered[CONDITION].itertuples(index=False, name=None))


def _accuracy(rows: np.ndarray, images: int, _: object) -> float:
    return float(np.unpackbits(rows, axis=-1, count=images).mean())


def _alike(one: tuple[object, ...] | None, other: tuple[object, ...] | None) -> bool:
    """Whether two trials exist and were measured on the same images under the same conditions."""
    return one is not None and other is not None and one[1:] == other[1:]


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, its gain in points and its intervals."""
    rows = []
    for row in points.itertuples():
        limits = {
            title: _interval(getattr(row, f"{source}_low"), getattr(row, f"{source}_high"))
            for source, title in SOURCES.items()
        }
        rows.append({"Training": row.label, "n": str(row.n), "Gain": f"{100 * row.gain:+.1f}", **limits})
    return pd.DataFrame(rows).rename(columns={title: title.capitalize() for title in SOURCES.values()})


def _interval(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"{100 * low:+.1f} to {100 * high:+.1f}"


def caption(points: pd.DataFrame) -> str:
    """Returns what the gains are and what each interval would cover."""
    return (
        f"Gain over the base in accuracy under corruption, in points, with 95% intervals (bars): for other training "
        f"runs on these {points['images'].max()} test images, for other test images with these networks, and for both."
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a line a setting: its gain with the three intervals below one another."""
    figure = Figure(figsize=(text_width(), 0.9 + 0.26 * len(points)), layout="constrained")
    axis = figure.subplots()
    for place, (source, title) in enumerate(SOURCES.items()):
        height = np.arange(len(points)) + 0.2 * (place - 1)
        low, high = 100 * points[f"{source}_low"], 100 * points[f"{source}_high"]
        axis.hlines(height, low, high, color=PALETTE[place], label=f"95% interval, {title}", linewidth=2)
    axis.plot(100 * points["gain"], np.arange(len(points)), "o", color="black", markersize=3)
    axis.axvline(0, color="grey", linewidth=0.8)
    axis.set(yticks=range(len(points)), yticklabels=points["label"].map(signs), xlabel="gain over the base (points)")
    axis.invert_yaxis()
    legend_below(figure, [axis])
    return figure


REPORT = Report(title="How sure the gains are", points=points, table=table, caption=caption, draw=draw, reads="correct")
