"""Fourier heat maps by hand: cells and their changes, and the bands of frequencies."""

from pathlib import Path
from statistics import fmean

import pytest

from reports import fourier_map as report
from tests.support import table, trials


def test_cells_and_bands_by_hand(tmp_path: Path) -> None:
    some = trials("frequency_maps", seeds=2)
    rows = table(some, tmp_path)
    errors = rows[rows["benchmark"] == "fourier"].set_index(["label", "seed", "corruption", "severity"])["value"]

    def error(label: str, row: int, column: int, seed: int) -> float:
        return float(errors[label, seed, f"row {row + 3}", column + 3])

    points = report.points(rows)
    cells = points[points["band"].isna()].set_index(["label", "row", "column"])
    assert len(cells) == 6 * 49
    for row, column in ((0, 0), (-3, 2), (1, 1)):
        gnt, vanilla = ([error(label, row, column, seed) for seed in (0, 1)] for label in ("GNT", "Vanilla"))
        assert cells.loc[("GNT", row, column), "mean"] == pytest.approx(fmean(gnt))
        assert cells.loc[("GNT", row, column), "change"] == pytest.approx(fmean(gnt) - fmean(vanilla))
    bands = points[points["band"].notna()].set_index(["label", "band"])
    members = {"low": lambda size: size <= 1, "middle": lambda size: size == 2, "high": lambda size: size == 3}
    for band, inside in members.items():
        places = [(i, j) for i in range(-3, 4) for j in range(-3, 4) if inside(max(abs(i), abs(j)))]
        mean = 1 - fmean(error("GNT", i, j, seed) for i, j in places for seed in (0, 1))
        base = 1 - fmean(error("Vanilla", i, j, seed) for i, j in places for seed in (0, 1))
        assert bands.loc[("GNT", band), "mean"] == pytest.approx(mean)
        assert bands.loc[("GNT", band), "gain"] == pytest.approx(mean - base)
    assert report.points(rows[rows["benchmark"] != "fourier"]).empty
