"""Accuracy under each corruption, setting by setting, a benchmark at a time (Erichson et al. 2022, tables 6 to 10)."""

import pandas as pd

from reports.core import layout
from reports.core.compare import compare
from reports.core.published import beside, note
from reports.core.report import Report
from reports.core.stats import TRIAL, by_benchmark

MEANS = {"mean": "Mean", "mean_no_noise": "Mean without noise"}
BENCHMARKS = {
    "cifar-10-c": "CIFAR-10-C", "cifar-100-c": "CIFAR-100-C", "mnist-c": "MNIST-C", "imagenet-c": "ImageNet-C",
    "common": "made here: ImageNet-C's corruptions", "mnist": "made here: MNIST-C's corruptions",
    "extra": "made here: ImageNet-C's four held out",
}  # fmt: skip
"""Benchmark in the rows -> in print."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting, benchmark and corruption: what `compare` tells of the accuracy, and family, number.

    Beside the corruptions stand their means over a benchmark, all (corruption "mean") and without the noise family
    ("mean_no_noise"); these have no family. Corruptions of one name in two benchmarks are two. number: the benchmark's
    and the corruption's name.
    """
    each = by_benchmark(table)
    each = each[each["corruption"] != "clean"].rename(columns={"accuracy": "value"})
    if each.empty:
        return pd.DataFrame()
    keys = [*TRIAL, "benchmark"]
    calm = each[each["family"] != "noise"]
    means = [
        part.groupby(keys, sort=False)["value"].mean().reset_index().assign(corruption=name)
        for name, part in (("mean", each), ("mean_no_noise", calm))
    ]
    long = pd.concat([*means, each], ignore_index=True)
    long["number"] = long["benchmark"] + " " + long["corruption"]
    about = long.drop_duplicates("number").set_index("number")[["benchmark", "family", "corruption"]]
    return beside(compare(long, "number").join(about, on="number"), table, "corruption")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting and benchmark, a column a corruption: mean ± std in percent."""
    return layout.by_benchmark(points, "corruption", MEANS, BENCHMARKS)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    names = [BENCHMARKS.get(name, name) for name in points["benchmark"].unique()]
    several = len(names) > 1
    main = points[(points["corruption"] == "mean") & (points["benchmark"] == points["benchmark"].iloc[0])]
    return (
        f"Top-1 accuracy in percent under each corruption, mean over severities ({'; '.join(names)}"
        f"{', each compared by itself' if several else ''}). "
        f"{layout.means_note(points, main, f'mean, {names[0]}' if several else 'mean')}{note(points)}"
    )


REPORT = Report(title="Accuracy under each corruption", points=points, table=table, caption=caption)
