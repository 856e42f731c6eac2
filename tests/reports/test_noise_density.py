"""The figure of learned noise."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports import noise_density as report
from tests.support import table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("ant_vs_gnt", seeds=2), tmp_path_factory.mktemp("results"))


def test_points_are_the_recorded_arrays_of_one_trial_an_arm(rows: pd.DataFrame) -> None:
    points = report.points(rows)
    assert set(points["label"]) == {"ANT 1x1", "ANT 3x3"} and set(points["seed"]) == {0}
    raw = rows[(rows["label"] == "ANT 1x1") & (rows["seed"] == 0) & (rows["benchmark"] == "record")]
    mine = points[points["label"] == "ANT 1x1"]
    density = mine[mine["name"] == "density"]
    assert len(density) == 3 * 64
    for row in density.itertuples():
        column = round((row.x + 4) * 8 - 0.5)
        here = raw[(raw["metric"] == "density") & (raw["epoch"] == row.index) & (raw["severity"] == column)]
        assert here["value"].tolist() == [row.value] and abs(row.x - (-4 + (column + 0.5) / 8)) < 1e-9
    assert density.groupby("index")["y"].first().tolist()[:2] == [1, 2] and density["y"].isna().sum() == 64
    for name in ("clean", "noise", "noisy"):
        for row in mine[mine["name"] == name].itertuples():
            here = raw[(raw["metric"] == name) & (raw["epoch"] == row.index) & (raw["severity"] == 4 * row.y + row.x)]
            assert here["value"].tolist() == [row.value]


def test_kurtosis_of_a_known_density(rows: pd.DataFrame) -> None:
    sample = np.random.default_rng(0).normal(size=400_000)
    two = np.where(sample > 0, 1.06, -1.06)
    changed = rows.copy()
    for index, values in enumerate((sample, two)):
        counts, _ = np.histogram(values, 64, (-4, 4), density=True)
        for column in range(64):
            here = (changed["metric"] == "density") & (changed["epoch"] == index) & (changed["severity"] == column)
            changed.loc[here, "value"] = counts[column]
    points = report.points(changed)
    kurtosis = points[(points["name"] == "kurtosis") & (points["label"] == "ANT 1x1")].set_index("index")["value"]
    assert kurtosis[0] == pytest.approx(3, abs=0.05) and kurtosis[1] == pytest.approx(1, abs=1e-9)
    shown = report.table(points).set_index("Training")
    assert shown.loc["ANT 1x1", ["Seed", "Generators shown"]].tolist() == ["0", "3"]


def test_other_studies_have_no_such_figure(tmp_path: Path) -> None:
    assert report.points(table(trials("sigma_sweep", seeds=1)[:3], tmp_path)).empty
