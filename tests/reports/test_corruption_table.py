"""The table of corruptions."""

from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import corruption_table
from reports.core.cells import is_bold, is_worse, plain
from tests.reports.loops import marks
from tests.support import CORRUPTIONS, table, trials

CALM = [name for name, family in CORRUPTIONS.items() if family != "noise"]
TITLES = {name: name.replace("_", " ").capitalize() for name in CORRUPTIONS}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = [t for t in trials("sigma_sweep", seeds=3) if t.arm != "GNT" or t.params["sigma"] in (0.0, 0.5)]
    return table(some, tmp_path_factory.mktemp("results"))


def _each(rows: pd.DataFrame, label: str, names: list[str], benchmark: str = "common") -> list[float]:
    """A setting's mean over corruptions of the mean over severities, seed by seed."""
    here = (rows["metric"] == "accuracy") & (rows["benchmark"] == benchmark) & (rows["label"] == label)
    chosen = rows[here].to_dict("records")
    return [
        fmean(fmean(r["value"] for r in chosen if (r["seed"], r["corruption"]) == (seed, name)) for name in names)
        for seed in range(3)
    ]


def test_points_by_hand(rows: pd.DataFrame) -> None:
    points = corruption_table.points(rows).set_index(["label", "corruption"])
    assert len(points) == 4 * (len(CORRUPTIONS) + 2)
    groups = {**{name: [name] for name in CORRUPTIONS}, "mean": list(CORRUPTIONS), "mean_no_noise": CALM}
    for (label, corruption), row in points.iterrows():
        each = _each(rows, label, groups[corruption])
        assert row["n"] == 3 and (corruption not in CORRUPTIONS or row["family"] == CORRUPTIONS[corruption])
        assert (row["mean"], row["std"]) == (pytest.approx(fmean(each)), pytest.approx(stdev(each)))


def test_each_column_has_its_own_marks(rows: pd.DataFrame) -> None:
    shown = corruption_table.table(corruption_table.points(rows)).set_index("Training")
    assert list(shown.index) == ["GNT, sigma 0", "GNT, sigma 0.5", "GNT, set of sigmas", "Speckle"]
    assert list(shown.columns) == ["n", "Mean", "Mean without noise", *TITLES.values()]
    for corruption, title in TITLES.items():
        best, worse = marks({label: dict(enumerate(_each(rows, label, [corruption]))) for label in shown.index})
        assert [is_bold(cell) for cell in shown[title]] == list(best.values())
        assert [is_worse(cell) for cell in shown[title]] == list(worse.values())


def test_benchmarks_stay_apart_though_corruptions_share_names(rows: pd.DataFrame) -> None:
    """Made corruptions and published ones of the same names, with numbers that differ."""
    again = rows[(rows["benchmark"] == "common") & (rows["corruption"] != "rotate")]
    published = again.assign(benchmark="cifar-10-c", value=again["value"] / 2)
    both = pd.concat([rows, published], ignore_index=True)
    points = corruption_table.points(both)
    shown = corruption_table.table(points).set_index(["Training", "Benchmark"])
    alone = corruption_table.table(corruption_table.points(rows)).set_index("Training")
    made = shown.xs("made here: ImageNet-C's corruptions", level="Benchmark")
    assert made[list(alone.columns)].map(plain).equals(alone.map(plain))
    names = [name for name in CORRUPTIONS if name != "rotate"]
    for label, row in shown.xs("CIFAR-10-C", level="Benchmark").iterrows():
        each = _each(both, label, names, "cifar-10-c")
        assert plain(row["Mean"]) == f"{100 * fmean(each):.1f} ± {100 * stdev(each):.1f}" and row["Rotate"] == ""
    assert "CIFAR-10-C" in corruption_table.caption(points)


def test_the_caption_says_how_many_seeds(rows: pd.DataFrame) -> None:
    assert "n = 3 seeds" in corruption_table.caption(corruption_table.points(rows))
