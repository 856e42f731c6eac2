"""The table of flip probabilities, by hand."""

from statistics import fmean, stdev

import pandas as pd
import pytest

from reports import flip_table
from tests.support import table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Three perturbations, one of them noise, with numbers that differ."""
    rows = table(trials("ant_vs_gnt", seeds=3), tmp_path_factory.mktemp("results"))
    flips = rows[rows["metric"] == "flip_probability"]
    noise = flips[flips["corruption"] == "tilt"].assign(corruption="gaussian_noise")
    hard = noise.assign(severity=2)
    rows = pd.concat([rows[rows["metric"] != "flip_probability"], flips, noise, hard], ignore_index=True)
    where = rows["metric"] == "flip_probability"
    rows.loc[where, "value"] = 0.05 + 0.001 * (rows[where].index * 37 % 101)
    return rows


def _of(rows: pd.DataFrame, label: str, seed: int) -> dict[str, float]:
    here = (rows["metric"] == "flip_probability") & (rows["severity"] == 1)
    chosen = rows[here & (rows["label"] == label) & (rows["seed"] == seed)]
    return dict(zip(chosen["corruption"], chosen["value"], strict=True))


def test_points_by_hand(rows: pd.DataFrame) -> None:
    points = flip_table.points(rows).set_index(["label", "number"])
    assert len(points) == 6 * 6 and set(points["reference"]) == {"Vanilla"}
    usual = {c: fmean(_of(rows, "Vanilla", s)[c] for s in range(3)) for c in _of(rows, "Vanilla", 0)}
    for label in ("Vanilla", "ANT 1x1"):
        each = [_of(rows, label, seed) for seed in range(3)]
        expected = {
            "tilt": [one["tilt"] for one in each],
            "mean": [fmean(one.values()) for one in each],
            "mean_no_noise": [fmean([one["tilt"], one["translate"]]) for one in each],
            "rate": [fmean(value / usual[c] for c, value in one.items()) for one in each],
        }
        for number, values in expected.items():
            row = points.loc[(label, number)]
            assert (row["n"], row["mean"], row["std"]) == pytest.approx((3, fmean(values), stdev(values)))
    shown = flip_table.table(points.reset_index())
    assert list(shown) == [
        *("Training", "n", "Mean", "Mean without noise", "mFR", "Translate", "Tilt", "Gaussian noise")
    ]
    assert "mFR: the mean over perturbations" in flip_table.caption(points.reset_index())


def test_less_is_better_and_rates_need_a_base(rows: pd.DataFrame) -> None:
    points = flip_table.points(rows)
    means = points[points["number"] == "mean"]
    assert means.loc[means["best"], "mean"].tolist() == [means["mean"].min()]
    alone = flip_table.points(rows[rows["label"] != "Vanilla"])
    assert "rate" not in set(alone["number"]) and "mFR" not in flip_table.caption(alone)


def test_benchmarks_have_rows_of_their_own(rows: pd.DataFrame) -> None:
    published = rows[rows["metric"] == "flip_probability"].assign(benchmark="cifar-10-p")
    shown = flip_table.table(flip_table.points(pd.concat([rows, published], ignore_index=True)))
    assert len(shown) == 12 and set(shown["Benchmark"]) == {"made here", "CIFAR-10-P"}
