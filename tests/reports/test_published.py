"""Published numbers: each stands in the paper's text, and is joined to its own dataset, model and settings alone."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from reports import corruption_table, method_comparison
from reports.core.published import numbers
from study.ledger.trial import Trial
from tests.support import table, trials

PAPERS = Path(__file__).parents[3] / "shared" / "papers"
FULL = {"width": 64}


def _shown(tmp_path: Path, **changed: object) -> pd.DataFrame:
    usual = {"data": "cifar10", "model": "preact_resnet18", "model_params": FULL}
    some = [replace(t, **usual | changed) for t in _all()]
    return method_comparison.table(method_comparison.points(_on_files(table(some, tmp_path)))).set_index("Training")


def _on_files(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as if the corruptions were those of the published files."""
    names = {"cifar10": "cifar-10-c", "cifar100": "cifar-100-c"}
    theirs = rows["data"].map(names).fillna("common")
    return rows.assign(benchmark=rows["benchmark"].where(rows["benchmark"] != "common", theirs))


def _all() -> list[Trial]:
    return trials("noisymix_cifar", seeds=2)


@pytest.mark.skipif(not PAPERS.is_dir(), reason="the papers' texts are not beside the repository")
def test_every_number_stands_in_its_paper() -> None:
    lines = numbers()
    for source, part in lines.groupby("source"):
        text = (PAPERS / str(source)).read_text(encoding="utf-8")
        missing = [value for value in part["value"] if value not in text]
        assert not missing, missing
    # A method's numbers stand on one line of the text, in order.
    text = (PAPERS / "noisymix.txt").read_text(encoding="utf-8")
    for _, part in lines[lines["table"].isin(["7", "8", "9", "10"])].groupby(["table", "method"]):
        assert len(part) == 15 and " | ".join(part["value"]) in text


def test_the_rows_of_corruptions_have_the_published_means() -> None:
    """Two tables of the paper against each other: a mean over 15 corruptions is the robust accuracy of table 2 or 3.

    But for one: CutMix on CIFAR-10-C has 71.6 in table 3, and 72.9 by table 9.
    """
    lines = numbers().assign(first=lambda n: n["value"].str.split().str[0].astype(float))
    each = lines[lines["table"].isin(["7", "8", "9", "10"])]
    means = each.groupby(["data", "model", "method"])["first"].mean()
    whole = lines[lines["number"] == "corruption"].set_index(["data", "model", "method"])["first"]
    apart = (means - whole.reindex(means.index)).abs()
    assert apart[apart > 0.15].index.tolist() == [("cifar10", "wide_resnet28", "cutmix")]


def test_numbers_stand_beside_their_own_dataset_and_model(tmp_path: Path) -> None:
    shown = _shown(tmp_path)
    assert shown.loc["NoisyMix, as published", ["n", "Clean", "All corruptions"]].tolist() == [
        *("", "95.3 (95.2 / 95.3)", "91.2 (91.1 / 91.3)")
    ]
    assert list(shown.index)[:2] == ["Baseline", "Baseline, as published"] and len(shown) == 6
    assert shown.loc["Baseline, as published", "Without noise"] == ""
    assert not any("published" in label for label in _shown(tmp_path, model_params={"width": 8}).index)
    assert not any("published" in label for label in _shown(tmp_path, model="lenet5").index)
    assert not any("published" in label for label in _shown(tmp_path, data="digits").index)
    wide = _shown(tmp_path, model="wide_resnet28", model_params={"k": 2, "dropout": None})
    assert wide.loc["AugMix, as published", "All corruptions"] == "90.2 (89.7 / 90.7)"


def test_other_settings_of_the_method_have_no_published_number(tmp_path: Path) -> None:
    some = [replace(t, data="cifar10", model="preact_resnet18", model_params=FULL) for t in _all()]
    off = [replace(t, params={**t.params, "consistency": None}) if t.method == "noisymix" else t for t in some]
    points = method_comparison.points(_on_files(table(off, tmp_path)))
    assert set(points.dropna(subset="published")["label"]) == {"Baseline", "AugMix"}
    assert "noisymix.txt, 2" in method_comparison.caption(points)


def test_the_table_of_corruptions_has_them_too(tmp_path: Path) -> None:
    some = [replace(t, data="cifar100", model="preact_resnet18", model_params=FULL) for t in _all()]
    rows = table(some, tmp_path)
    assert "published" not in corruption_table.points(rows)
    points = corruption_table.points(_on_files(rows))
    shown = corruption_table.table(points).set_index("Training")
    assert (
        shown.loc["NoisyMix, as published", "Fog"] == "71.0"
        and shown.loc["Baseline, as published", "Contrast"] == "55.1"
    )
    assert "noisymix.txt, 8" in corruption_table.caption(points)


def test_other_corruptions_have_no_published_number_beside_them(tmp_path: Path) -> None:
    some = [replace(t, data="cifar10", model="preact_resnet18", model_params=FULL) for t in _all()]
    points = method_comparison.points(table(some, tmp_path))
    assert set(points.dropna(subset="published")["measure"]) == {"clean"}
    mnist = [replace(t, data="mnist", model="madry_mnist", model_params={}, method="ant", params={"correlation": 1})
             for t in some[:2]]  # fmt: skip
    rows = table(mnist, tmp_path)
    assert "published" not in method_comparison.points(rows)
    rows["benchmark"] = rows["benchmark"].replace("common", "mnist-c")
    assert method_comparison.points(rows)["published"].dropna().tolist() == ["92.4"]


def test_a_setting_whose_trials_differ_in_their_benchmark_has_no_published_number_beside_it(tmp_path: Path) -> None:
    some = [replace(t, data="cifar10", model="preact_resnet18", model_params=FULL) for t in _all()]
    whole = _on_files(table(some, tmp_path))
    # NoisyMix's seed 1 was measured on a benchmark made here.
    apart = (whole["method"] == "noisymix") & (whole["seed"] == 1) & (whole["benchmark"] == "cifar-10-c")
    points = method_comparison.points(whole.assign(benchmark=whole["benchmark"].mask(apart, "common")))
    joined = points.dropna(subset="published").set_index(["label", "measure"]).index
    assert ("AugMix", "corruption") in joined and ("NoisyMix", "clean") in joined
    assert ("NoisyMix", "corruption") not in joined


def test_both_benchmarks_in_one_table(tmp_path: Path) -> None:
    some = [replace(t, data="cifar10", model="preact_resnet18", model_params=FULL) for t in _all()]
    rows = table(some, tmp_path)
    here = rows[rows["benchmark"] == "common"]
    points = corruption_table.points(pd.concat([rows, here.assign(benchmark="cifar-10-c")]))
    assert set(points.dropna(subset="published")["benchmark"]) == {"cifar-10-c"}
