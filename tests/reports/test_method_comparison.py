"""Methods side by side: mean, lowest and highest over seeds, by hand."""

from statistics import fmean

import pandas as pd
import pytest

from reports import method_comparison
from reports.core.cells import is_bold, plain
from tests.reports.loops import gains
from tests.support import CORRUPTIONS, table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("augmentation_baselines", seeds=3), tmp_path_factory.mktemp("results"))


def test_points_by_hand(rows: pd.DataFrame) -> None:
    points = method_comparison.points(rows)
    assert len(points) == 3 * rows["label"].nunique() and set(points["n"]) == {3}
    raw = rows[(rows["metric"] == "accuracy") & (rows["benchmark"] == "common")]
    for row in points[points["measure"] == "corruption_no_noise"].itertuples():
        chosen = raw[(raw["label"] == row.label) & (raw["family"] != "noise")].to_dict("records")
        names = [name for name, family in CORRUPTIONS.items() if family != "noise"]
        each = [
            fmean(fmean(r["value"] for r in chosen if (r["seed"], r["corruption"]) == (seed, name)) for name in names)
            for seed in range(3)
        ]
        assert (row.mean, row.low, row.high) == pytest.approx((fmean(each), min(each), max(each)))
    for _, group in points.groupby("measure"):
        assert group.loc[group["best"], "label"].tolist() == [group.loc[group["mean"].idxmax(), "label"]]


def test_the_table_has_the_papers_cells(rows: pd.DataFrame) -> None:
    shown = method_comparison.table(method_comparison.points(rows))
    assert list(shown.columns) == ["Training", "n", "Clean", "All corruptions", "Without noise", "Gain"]
    assert shown["Training"].tolist()[:3] == ["Baseline", "Mixup", "Manifold mixup"]
    assert shown["Clean"].map(plain).str.fullmatch(r"\d\d\.\d \(\d\d\.\d / \d\d\.\d\)").all()
    points = method_comparison.points(rows)
    assert (
        shown.loc[shown["Clean"].map(is_bold), "Training"].tolist()
        == points[points["best"] & (points["measure"] == "clean")]["label"].tolist()
    )
    single = method_comparison.table(method_comparison.points(rows[rows["seed"] == 0]))
    assert single["Clean"].str.fullmatch(r"\d\d\.\d").all()  # no marks
    assert single["Gain"].str.fullmatch(r"-|[+-]\d+\.\d").all()
    assert "n = 3 seeds" in method_comparison.caption(method_comparison.points(rows))


def test_the_gain_is_over_the_base_alone(rows: pd.DataFrame) -> None:
    points = method_comparison.points(rows)
    raw = rows[(rows["metric"] == "accuracy") & (rows["benchmark"] == "common")]
    each = raw.groupby(["label", "seed", "corruption"])["value"].mean().groupby(["label", "seed"]).mean()
    expected = gains({label: each[label].to_dict() for label in raw["label"].unique()}, "Baseline")
    shown = method_comparison.table(points).set_index("Training")["Gain"]
    assert shown["Baseline"] == "-" and len(shown) == len(expected) + 1
    for label, (gain, low, high, p) in expected.items():
        assert shown[label] == f"{100 * gain:+.1f} ({100 * low:.1f} to {100 * high:.1f})"
        row = points[(points["label"] == label) & (points["measure"] == "corruption")].iloc[0]
        assert row["gain_p"] == pytest.approx(p, rel=1e-6)
    assert "Gain (all corruptions): over Baseline" in method_comparison.caption(points)
    alone = rows[rows["label"] != "Baseline"]
    assert "Gain" not in method_comparison.table(method_comparison.points(alone))
    assert "Gain" not in method_comparison.caption(method_comparison.points(alone))
