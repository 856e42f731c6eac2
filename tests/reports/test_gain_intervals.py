"""Intervals of gains from the images that were correct, computed another way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports.gain_intervals import REPORT, points
from tests.support import trials

SOME = [t for t in trials("sigma_sweep", seeds=3) if t.arm == "GNT" and t.params["sigma"] in (0.0, 0.5, 1.0)]
CONDITIONS = [("common", "fog", 1), ("common", "fog", 2), ("common", "contrast", 1)]
IMAGES = 203


def _correct(seed: int = 0) -> tuple[pd.DataFrame, dict[tuple[str, int], np.ndarray]]:
    """A table as `directories.correct` makes it, and the booleans in it by (config, seed): (conditions, images)."""
    rng = np.random.default_rng(seed)
    hard = rng.uniform(0.3, 0.95, IMAGES)
    rows, truth = [], {}
    for trial in SOME:
        share = np.clip(hard + 0.05 * trial.params["sigma"] + rng.normal(0, 0.01), 0, 1)
        right = rng.uniform(size=(len(CONDITIONS), IMAGES)) < share
        truth[trial.config_id, trial.seed] = right
        for condition, bits in zip(CONDITIONS, right, strict=True):
            names = {"trial": trial.key, "config": trial.config_id, "arm": trial.arm, "label": trial.label}
            setting = {**names, "varied": "{}", "seed": trial.seed, "method": trial.method, **trial.params}
            place = dict(zip(("benchmark", "corruption", "severity"), condition, strict=True))
            rows.append({**setting, **place, "images": IMAGES, "bits": np.packbits(bits).tobytes()})
    return pd.DataFrame(rows), truth


def test_gains_and_intervals_over_images_are_those_of_the_booleans() -> None:
    frame, truth = _correct()
    found = points(frame.sample(frac=1, random_state=1)).set_index("config")
    base = SOME[0].config_id
    assert set(found.index) == {t.config_id for t in SOME} - {base} and (found["n"] == 3).all()
    for config in found.index:
        by_image = np.mean([truth[config, s].mean(0) - truth[base, s].mean(0) for s in range(3)], axis=0)
        row = found.loc[config]
        assert row["gain"] == pytest.approx(by_image.mean())
        half = (row["images_high"] - row["images_low"]) / 2
        assert half == pytest.approx(1.9718 * by_image.std(ddof=1) / IMAGES**0.5, rel=1e-3)  # t of 202 degrees
        for source in ("seeds", "images", "both"):
            assert row[f"{source}_low"] < row["gain"] < row[f"{source}_high"]


def test_seeds_on_other_images_are_left_out_and_one_seed_has_no_interval_over_seeds() -> None:
    frame, _ = _correct()
    other = (frame["seed"] == 2) & (frame["config"] == SOME[0].config_id)
    frame.loc[other, "images"] = IMAGES - 1
    assert (points(frame)["n"] == 2).all()
    alone = points(frame[frame["seed"] == 0])
    assert alone[["seeds_low", "both_low"]].isna().all(axis=None) and alone["images_low"].notna().all()
    assert (REPORT.table(alone)["Other seeds"] == "").all()


def test_without_a_base_or_rows_there_is_nothing() -> None:
    frame, _ = _correct()
    assert points(frame[frame["sigma"] > 0]).empty and points(frame[:0]).empty


def test_it_is_drawn_and_says_how_many_images(tmp_path: Path) -> None:
    found = points(_correct()[0])
    assert REPORT.draw is not None
    REPORT.draw(found).savefig(tmp_path / "a.png")
    assert f"{IMAGES} test images" in REPORT.caption(found)
