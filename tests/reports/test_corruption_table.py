"""The table of corruptions."""

from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import corruption_table
from tests.support import CORRUPTIONS, table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = [t for t in trials("sigma_sweep", seeds=3) if t.arm != "GNT" or t.params["sigma"] in (0.0, 0.5)]
    return table(some, tmp_path_factory.mktemp("results"))


def test_points_by_hand(rows: pd.DataFrame) -> None:
    points = corruption_table.points(rows).set_index(["label", "corruption"])
    assert len(points) == 4 * len(CORRUPTIONS)
    raw = rows[(rows["metric"] == "accuracy") & (rows["benchmark"] == "common")]
    for (label, corruption), row in points.iterrows():
        chosen = raw[(raw["label"] == label) & (raw["corruption"] == corruption)].to_dict("records")
        each = [fmean(r["value"] for r in chosen if r["seed"] == seed) for seed in range(3)]
        assert (row["n"], row["family"]) == (3, CORRUPTIONS[corruption])
        assert (row["mean"], row["std"]) == (pytest.approx(fmean(each)), pytest.approx(stdev(each)))


def test_each_row_stars_its_highest_mean(rows: pd.DataFrame) -> None:
    points = corruption_table.points(rows)
    shown = corruption_table.table(points).set_index("Corruption")
    assert set(shown.columns) == {"Family", "GNT, sigma 0", "GNT, sigma 0.5", "GNT, set of sigmas", "Speckle"}
    assert list(shown.index) == [name.replace("_", " ") for name in CORRUPTIONS]
    for corruption in CORRUPTIONS:
        means = points[points["corruption"] == corruption].set_index("label")["mean"]
        starred = [c for c in shown.columns if shown.loc[corruption.replace("_", " "), c].endswith(" *")]
        assert starred == [means.idxmax()]


def test_the_caption_says_how_many_seeds(rows: pd.DataFrame) -> None:
    assert "3 seeds" in corruption_table.caption(corruption_table.points(rows))
