"""The look of figures: each venue's widths, whatever a user's matplotlib is set to; colours and letters."""

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from reports.core.report import Report
from reports.core.style import DEFAULT, PALETTE, VENUES, at_venue, column_width, legend_columns, style, text_width
from reports.core.write import write

TEXTS = {None: 5.5, "neurips": 5.5, "iclr": 5.5, "icml": 6.75, "cvpr": 6.875, "thesis": 390 / 72.27}
COLUMNS = {**TEXTS, None: 3.25, "icml": 3.25, "cvpr": 3.25}
"""In inches, as the venues' style files have them."""
HOSTILE = {
    "text.usetex": True, "font.size": 30, "figure.facecolor": "black", "savefig.bbox": "tight", "figure.dpi": 50,
    "axes.prop_cycle": mpl.cycler(color=["red"]), "lines.linestyle": ":", "axes.formatter.use_locale": True,
}  # fmt: skip


def _draw(points: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(text_width() if points["wide"].iloc[0] else column_width(), 2), layout="constrained")
    axis = figure.subplots()
    axis.plot(points["x"], points["x"], label="σ ✓ 0.5")
    axis.set(xlabel="x", title="A")
    axis.legend()
    return figure


REPORT = Report(title="A", points=lambda rows: rows, table=lambda points: points[["text"]], caption=lambda _: "B.",
                draw=_draw)  # fmt: skip


def _rows(*, wide: bool) -> pd.DataFrame:
    return pd.DataFrame({"x": [1.0, 2.0], "text": ["a", "b"], "wide": wide})


@pytest.mark.parametrize("venue", TEXTS)
def test_saved_figures_are_as_wide_as_the_text_or_a_column(venue: str | None, tmp_path: Path) -> None:
    for wide, widths in ((True, TEXTS), (False, COLUMNS)):
        with at_venue(venue):
            write("a", REPORT, _rows(wide=wide), tmp_path, ("pdf",))
        content = (tmp_path / "a.pdf").read_bytes()
        (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) [\d.]+ \]", content)
        assert float(box) / 72 == pytest.approx(widths[venue], abs=0.001)
        assert b"/FontFile2" in content and b"/Type3" not in content


def test_the_venues_are_those_that_are_tested() -> None:
    assert set(VENUES) == set(TEXTS) - {None} and text_width() == DEFAULT.text


def test_letters_and_sizes_are_the_venues() -> None:
    with style():
        assert mpl.rcParams["font.family"][0] == "DejaVu Sans" and mpl.rcParams["legend.fontsize"] == 7
    with at_venue("icml"), style():
        assert mpl.rcParams["font.family"][0] == "STIXGeneral" and mpl.rcParams["legend.fontsize"] == 6


def test_figures_are_alike_whatever_matplotlib_is_set_to(tmp_path: Path) -> None:
    forms = ("pdf", "png", "svg")
    write("a", REPORT, _rows(wide=True), tmp_path / "plain", forms)
    with mpl.rc_context(HOSTILE):
        write("a", REPORT, _rows(wide=True), tmp_path / "hostile", forms)
        assert mpl.rcParams["font.size"] == 30
    for form in forms:
        plain, hostile = (tmp_path / folder / f"a.{form}" for folder in ("plain", "hostile"))
        assert plain.read_bytes() == hostile.read_bytes(), form


def _seen() -> Iterator[np.ndarray]:
    """How the palette looks to all eyes, and to those without long, medium or short cones (Machado et al. 2009)."""
    rgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in PALETTE])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    without = (
        np.eye(3),
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    )
    for matrix in without:
        yield (linear @ np.asarray(matrix).T).clip(0, 1)


def _oklab(linear: np.ndarray) -> np.ndarray:
    """Ottosson's perceptual space: a distance of 0.02 is just seen."""
    cones = [[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]
    space = [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
    return np.cbrt(linear @ np.array(cones).T) @ np.array(space).T


def test_eight_colours_are_told_apart_by_all_eyes() -> None:
    assert len(PALETTE) == 8
    for linear in _seen():
        assert min(np.linalg.norm(a - b) for a, b in combinations(_oklab(linear), 2)) > 0.07


def test_a_legend_has_as_many_columns_as_fit() -> None:
    with style():
        assert legend_columns(["a", "b"], 5.5) == 2 and legend_columns(["a"] * 9, 5.5) == 4
        assert legend_columns(["a long name of a training" * 2] * 3, 3.25) == 1
        assert legend_columns([], 5.5) == 1
