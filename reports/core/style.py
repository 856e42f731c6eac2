"""One look for all figures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
from cycler import cycler

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's colours, told apart under every common colour blindness."""
ONE_COLUMN, TWO_COLUMNS = 3.25, 6.75
"""Widths of figures in inches: NeurIPS, ICML, CVPR and IEEE set columns of 3.25 to 3.5 and text of 5.5 to 7."""
CHARACTER = 0.062
"""Mean width in inches of a character of a legend."""


@contextmanager
def style() -> Iterator[None]:
    """Sets matplotlib's parameters for the figures drawn inside."""
    with mpl.rc_context(
        {
            "font.family": "sans-serif",
            "font.size": 8,
            "axes.titlesize": 8.5,
            # A fixed place: to look for a free one above the ticks takes a quarter of the time of drawing.
            "axes.titley": 1.0,
            "axes.labelsize": 8,
            "xtick.labelsize": 7.5,
            "ytick.labelsize": 7.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "grid.linewidth": 0.5,
            "lines.linewidth": 1.4,
            "lines.markersize": 4,
            "hatch.linewidth": 0.5,
            "legend.frameon": False,
            "legend.fontsize": 7.5,
            "svg.fonttype": "path",
            # TrueType: what submission systems check for; the default, Type 3, is refused
            "pdf.fonttype": 42,
            "ps.fonttype": 42,
            "svg.hashsalt": "noise-study",
            "figure.dpi": 200,
            "axes.prop_cycle": cycler(color=PALETTE),
        }
    ):
        yield


def legend_columns(labels: Sequence[str], width: float) -> int:
    """Returns how many columns of a legend fit into `width` inches, by the longest of its labels."""
    widest = max((len(label) for label in labels), default=0)
    return max(1, min(4, int(width / (0.45 + CHARACTER * widest))))
