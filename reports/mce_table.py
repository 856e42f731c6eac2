"""Mean corruption error: errors under corruption, divided by a reference's (Hendrycks and Dietterich 2019).

The layout of the appendices of Rusak et al. 2020 (table 4) and of AugMix: error, mCE, and each corruption's.
"""

import pandas as pd

from reports.core.cells import bold
from reports.core.choose import base
from reports.core.layout import by_setting
from reports.core.paired import compare, lead_note
from reports.core.report import Report
from reports.core.stats import TRIAL, by_benchmark, count_text, main_benchmarks, percent

ALEXNET = {
    "gaussian_noise": 0.886428, "shot_noise": 0.894468, "impulse_noise": 0.922640, "defocus_blur": 0.819880,
    "glass_blur": 0.826268, "motion_blur": 0.785948, "zoom_blur": 0.798360, "snow": 0.866816, "frost": 0.826572,
    "fog": 0.819324, "brightness": 0.564592, "contrast": 0.853204, "elastic_transform": 0.646056,
    "pixelate": 0.717840, "jpeg_compression": 0.606500,
}  # fmt: skip
"""AlexNet's error on ImageNet-C, mean over severities: the published reference."""
COLUMNS = {"error": "Error", "mce": "mCE", "mce_no_noise": "mCE without noise"}


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and number: what `compare` tells of it (less is better), reference.

    number: a corruption's CE = sum_s E_s / sum_s E_s(reference), E_s the error at severity s; mce: their mean; without
    the noise family mce_no_noise; error: the mean error, not divided. reference: "AlexNet" for ImageNet-C, else the
    label of the study's own base setting, whose errors are means over its seeds. Empty without a reference. Corruptions
    are those of the main benchmark of the reference's dataset; settings on other datasets do not appear.
    """
    each, main = by_benchmark(table), main_benchmarks(table)
    each = each[(each["corruption"] != "clean") & (each["benchmark"] == each["data"].map(main))]
    each = each.assign(error=1 - each["accuracy"])
    published = each[(each["benchmark"] == "imagenet-c") & each["corruption"].isin(list(ALEXNET))]
    if len(published):
        each, errors, name = published, pd.Series(ALEXNET), "AlexNet"
    else:
        own = each[each["config"] == base(table)]
        if own.empty:
            return pd.DataFrame()
        each = each[each["data"].isin(own["data"])]
        errors, name = own.groupby("corruption")["error"].mean(), str(own["label"].iloc[0])
    each = each.assign(ce=each["error"] / each["corruption"].map(errors[errors > 0]))
    calm = each[each["family"] != "noise"]
    means = [
        part.groupby(TRIAL, sort=False)[column].mean().rename("value").reset_index().assign(number=number)
        for number, part, column in (("error", each, "error"), ("mce", each, "ce"), ("mce_no_noise", calm, "ce"))
    ]
    numbers = each.rename(columns={"ce": "value", "corruption": "number"})
    long = pd.concat([*means, numbers], ignore_index=True)
    return compare(long, "number", lower=set(long["number"])).assign(reference=name)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, error, mCE and each corruption's CE as mean ± std in percent, in bold what leads."""
    cells = [bold(percent(r.mean, r.std), r.leads) for r in points.itertuples()]
    others = [number for number in points["number"].unique() if number not in COLUMNS]
    return by_setting(points, cells, "number", COLUMNS | {c: c.replace("_", " ").capitalize() for c in others})


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    name = points["reference"].iloc[0]
    reference = "AlexNet's, as published" if name == "AlexNet" else f"that of the study's own setting {name}"
    return (
        "Top-1 error in percent, mean over corruptions and severities; corruption errors (CE), summed over severities "
        f"and divided by the reference's; mCE: their mean. Less is better; the reference is {reference}. "
        f"Mean ± standard deviation over n = {count_text(points['n'])}. {lead_note(points)}"
    )


REPORT = Report(title="Mean corruption error", points=points, table=table, caption=caption)
