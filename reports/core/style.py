"""One look for all figures."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from cycler import cycler

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's colours, told apart under every common colour blindness."""
ONE_COLUMN, TWO_COLUMNS = 3.4, 7.0
"""Widths in inches."""


@contextmanager
def style() -> Iterator[None]:
    """Sets matplotlib's parameters for the figures drawn inside."""
    with mpl.rc_context(
        {
            "font.family": "sans-serif",
            "font.size": 8.5,
            "axes.titlesize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "grid.linewidth": 0.5,
            "lines.linewidth": 1.4,
            "lines.markersize": 4,
            "legend.frameon": False,
            "legend.fontsize": 8,
            "svg.fonttype": "path",
            "pdf.fonttype": 42,
            "svg.hashsalt": "noise-study",
            "savefig.dpi": 200,
            "axes.prop_cycle": cycler(color=PALETTE),
        }
    ):
        yield
