"""Mean corruption error: errors under corruption, divided by a reference's (Hendrycks and Dietterich 2019).

The layout of the appendices of Rusak et al. 2020 (table 4) and of AugMix: error, mCE, and each corruption's.
"""

import pandas as pd

from reports.core.choose import base
from reports.core.compare import compare
from reports.core.layout import by_setting, means_note, titles
from reports.core.report import Report
from reports.core.stats import TRIAL, by_benchmark, corrupted

ALEXNET = {
    "gaussian_noise": 0.886428, "shot_noise": 0.894468, "impulse_noise": 0.922640, "defocus_blur": 0.819880,
    "glass_blur": 0.826268, "motion_blur": 0.785948, "zoom_blur": 0.798360, "snow": 0.866816, "frost": 0.826572,
    "fog": 0.819324, "brightness": 0.564592, "contrast": 0.853204, "elastic_transform": 0.646056,
    "pixelate": 0.717840, "jpeg_compression": 0.606500,
}  # fmt: skip
"""AlexNet's error on ImageNet-C, mean over severities: the published reference."""
IMAGENET = "imagenet-c"
WHERE = ["benchmark", "corruption"]
COLUMNS = {"error": "Error", "mce": "mCE", "mce_no_noise": "mCE without noise"}


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and number: what `compare` tells of it (less is better), reference.

    number: a corruption's CE = sum_s E_s / sum_s E_s(reference), E_s the error at severity s; mce: their mean; without
    the noise family mce_no_noise; error: the mean error, not divided. reference: the label of the study's own base
    setting, whose errors are means over its seeds; "" for ImageNet-C, where it is AlexNet. Empty without a reference.
    Corruptions are those of each trial's headline benchmark; a trial on another one than the reference has an error and
    no CE. Settings on other datasets than the reference do not appear.
    """
    each = by_benchmark(corrupted(table))
    each = each[(each["benchmark"] != IMAGENET) | each["corruption"].isin(list(ALEXNET))]
    each = each.assign(error=1 - each["accuracy"])
    own, errors, name = each[each["benchmark"] == IMAGENET], pd.concat({IMAGENET: pd.Series(ALEXNET)}), ""
    if own.empty:
        own = each[each["config"] == base(table)]
        if own.empty:
            return pd.DataFrame()
        errors, name = own.groupby(WHERE)["error"].mean(), str(own["label"].iloc[0])
    each = each[each["data"].isin(own["data"])].join(errors[errors > 0].rename("usual"), on=WHERE)
    each = each.assign(ce=each["error"] / each["usual"])
    calm = each[each["family"] != "noise"]
    means = [
        part.groupby(TRIAL, sort=False)[column].mean().rename("value").reset_index().assign(number=number)
        for number, part, column in (("error", each, "error"), ("mce", each, "ce"), ("mce_no_noise", calm, "ce"))
    ]
    numbers = each.rename(columns={"ce": "value", "corruption": "number"})
    long = pd.concat([*means, numbers], ignore_index=True)
    return compare(long, "number", lower=set(long["number"])).assign(reference=name)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, error, mCE and each corruption's CE as mean ± std in percent."""
    return by_setting(points, "number", titles(points["number"], COLUMNS))


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    name = points["reference"].iloc[0]
    reference = f"those of the study's own setting {name}" if name else "AlexNet's, as published"
    return (
        "Top-1 error and corruption errors (CE: summed over severities and divided by "
        f"{reference}; mCE: their mean) in percent; less is better. "
        f"{means_note(points, points[points['number'] == 'mce'], COLUMNS['mce'])}"
    )


REPORT = Report(title="Mean corruption error", points=points, table=table, caption=caption, headline=True)
