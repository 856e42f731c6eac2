"""How often predictions flip along sequences of nearly equal images (Erichson et al. 2022, table 12 and on)."""

import pandas as pd

from reports.core.choose import base
from reports.core.compare import compare
from reports.core.layout import by_benchmark, means_note
from reports.core.report import Report
from reports.core.stats import TRIAL

COLUMNS = {"mean": "Mean", "mean_no_noise": "Mean without noise", "rate": "mFR"}
BENCHMARKS = {"sequences": "made here", "cifar-10-p": "CIFAR-10-P", "imagenet-p": "ImageNet-P"}
"""Benchmark in the rows -> in print."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting, benchmark and number: what `compare` tells of it (less is better), reference.

    number: a perturbation's flip probability at difficulty 1; mean, mean_no_noise: over perturbations, all and those
    that are not noise; rate: the mean over perturbations of the flip probability divided by that of the study's own
    base setting (the mean over its seeds), where there is one, it flips at all, and the data is the same. reference:
    the label of that setting, "" without one.
    """
    rows = table[(table["metric"] == "flip_probability") & (table["severity"] == 1)]
    if rows.empty:
        return pd.DataFrame()
    keys = [*TRIAL, "benchmark"]
    parts = [rows.assign(number=rows["corruption"])]
    calm = rows[~rows["corruption"].str.contains("noise")]
    own = rows[rows["config"] == base(table)]
    usual = own.groupby(["benchmark", "corruption"])["value"].mean()
    same = rows[rows["data"].isin(own["data"])].join(usual[usual > 0].rename("usual"), on=["benchmark", "corruption"])
    rates = same.assign(value=same["value"] / same["usual"]).dropna(subset="value")
    for number, part in (("mean", rows), ("mean_no_noise", calm), ("rate", rates)):
        parts.append(part.groupby(keys, sort=False)["value"].mean().reset_index().assign(number=number))
    long = pd.concat(parts, ignore_index=True)
    long["place"] = long["benchmark"] + " " + long["number"]
    where = long.drop_duplicates("place").set_index("place")[["benchmark", "number"]]
    frame = compare(long, "place", lower=set(long["place"])).join(where, on="place").drop(columns="place")
    return frame.assign(reference=own["label"].iloc[0] if len(rates) else "")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting and benchmark: n, means and each perturbation as mean ± std in percent."""
    return by_benchmark(points, "number", COLUMNS, BENCHMARKS)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    names = [BENCHMARKS.get(name, name) for name in points["benchmark"].unique()]
    reference = points["reference"].iloc[0]
    rate = f"; mFR: the mean over perturbations, each divided by that of {reference}" if reference else ""
    main = points[(points["number"] == "mean") & (points["benchmark"] == points["benchmark"].iloc[0])]
    return (
        "Flip probability in percent: the share of frames whose prediction differs from that of the frame before (for "
        f"noise, of the first), less is steadier{rate}. Sequences: {'; '.join(names)}. "
        f"{means_note(points, main, 'mean' if len(names) == 1 else f'mean, {names[0]}')}"
    )


REPORT = Report(title="Stability along sequences", points=points, table=table, caption=caption)
