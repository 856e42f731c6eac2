"""Training sigma against test sigma, by hand: means, the best training, and the dip below a network's own sigma."""

from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest
from scipy import stats

from reports import sigma_matrix as report
from search_spaces.core.space import Arm, Grid
from study.evaluation.rows import Row
from tests.support import table, trials

ACCURACY = {  # sigma -> seed -> clean, at 0.2, at 0.5
    0.0: ((0.90, 0.50, 0.20), (0.91, 0.52, 0.19), (0.92, 0.51, 0.21)),
    0.35: ((0.70, 0.60, 0.80), (0.71, 0.62, 0.80), (0.72, 0.58, 0.81)),
    0.5: ((0.85, 0.84, 0.83), (0.80, 0.83, 0.84), (0.84, 0.84, 0.82)),
}


def _rows(folder: Path, seeds: int = 3) -> pd.DataFrame:
    arms = (Arm(method="gnt", label="GNT", space={"sigma": Grid(*ACCURACY)}), Arm(method="speckle", label="Speckle"))
    some = trials("sigma_sweep", seeds=seeds, arms=arms)
    frames = []
    for number, trial in enumerate(some):
        clean, weak, strong = ACCURACY[trial.params["sigma"] if trial.method == "gnt" else 0.0][trial.seed]
        measured = [Row("clean", "clean", 0, "accuracy", clean)]
        for severity, (sigma, value) in enumerate(((0.2, weak), (0.5, strong)), start=1):
            measured += [
                Row("gaussian_noise", "gaussian", severity, "accuracy", value),
                Row("gaussian_noise", "gaussian", severity, "test_sigma", sigma),
            ]
        frame = table([trial], folder / str(number), measured=measured)
        clean_rows = (frame["benchmark"] == "clean") & (frame["metric"] == "accuracy")
        frame.loc[clean_rows, "value"] = clean
        noisy = frame["benchmark"] == "gaussian_noise"
        frames.append(
            pd.concat([frame[~noisy], frame[noisy].assign(value=[row.value for row in measured[1:]])])
            if noisy.any()
            else frame
        )
    return pd.concat(frames, ignore_index=True)


def test_points_by_hand(tmp_path: Path) -> None:
    points = report.points(_rows(tmp_path))
    assert len(points) == 4 * 3
    at = {(p.label, p.test_sigma): p for p in points.itertuples()}
    for sigma, seeds in ACCURACY.items():
        for place, tested in enumerate((0.0, 0.2, 0.5)):
            point = at[f"GNT, sigma {sigma:g}", tested]
            values = [seed[place] for seed in seeds]
            assert (point.mean, point.std, point.n) == (pytest.approx(fmean(values)), pytest.approx(stdev(values)), 3)
    best = {tested: {label for (label, s), p in at.items() if s == tested and p.best} for tested in (0.0, 0.2, 0.5)}
    assert best == {0.0: {"GNT, sigma 0", "Speckle"}, 0.2: {"GNT, sigma 0.5"}, 0.5: {"GNT, sigma 0.5"}}


def test_a_network_that_is_worse_on_weaker_noise_overfits_to_its_sigma(tmp_path: Path) -> None:
    points = report.points(_rows(tmp_path))
    mine = points[points["label"] == "GNT, sigma 0.35"].set_index("test_sigma")
    drops = [weak + (strong - weak) * 0.5 - weak for _, weak, strong in ACCURACY[0.35]]  # 0.35 is half way from 0.2
    low = fmean(drops) - stats.t.isf(0.05 / 2, 2) * stdev(drops) / 3**0.5
    assert mine.loc[0.2, "dip"] == pytest.approx(fmean(drops)) and mine.loc[0.2, "low"] == pytest.approx(low)
    assert low > 0 and mine.loc[0.2, "overfits"] and not mine.loc[0.0, "overfits"]
    assert not points.loc[points["label"] != "GNT, sigma 0.35", "overfits"].any()
    dips = dict(report.table(points)[["Training", "Dip"]].to_numpy())
    assert dips["GNT, sigma 0.35"] == f"{100 * fmean(drops):.1f} at 0.2*" and dips["Speckle"] == ""
    assert report.summary(points) == {"deepest_dip": pytest.approx(fmean(drops))}


def test_one_seed_is_certain_of_nothing(tmp_path: Path) -> None:
    points = report.points(_rows(tmp_path, seeds=1))
    assert not points["overfits"].any() and points["low"].isna().all() and points["dip"].notna().any()


def test_other_studies_have_no_matrix(tmp_path: Path) -> None:
    rows = _rows(tmp_path, seeds=1)
    assert report.points(rows[rows["benchmark"] != "gaussian_noise"]).empty
