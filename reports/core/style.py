"""One look for all figures, at the widths and with the letters of the venue that they are for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.style
from cycler import cycler
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from tueplots import figsizes, fontsizes

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#661100")
"""Okabe and Ito's colours and a dark brown, told apart under every common colour blindness."""
SERIF, SANS = "STIXGeneral", "DejaVu Sans"
"""Letters that come with matplotlib, so that figures are alike on every machine. STIX are Times."""


class Venue(NamedTuple):
    """Where figures are to be printed: inches of its text and of a column of it, the letters, sizes in points."""

    text: float
    column: float
    letters: str
    sizes: Mapping[str, float]


def _width(size: Callable[..., Mapping[str, Any]]) -> float:
    return float(size()["figure.figsize"][0])


def _one_column(width: float, sizes: Mapping[str, float], letters: str = SERIF) -> Venue:
    return Venue(width, width, letters, sizes)


VENUES = {
    "neurips": _one_column(_width(figsizes.neurips2024), fontsizes.neurips2024()),
    "icml": Venue(_width(figsizes.icml2024_full), _width(figsizes.icml2024_half), SERIF, fontsizes.icml2024()),
    "iclr": _one_column(_width(figsizes.iclr2024), fontsizes.iclr2024()),
    "cvpr": Venue(_width(figsizes.cvpr2024_full), _width(figsizes.cvpr2024_half), SERIF, fontsizes.cvpr2024()),
    "thesis": _one_column(390 / 72.27, fontsizes.tue_ai_thesis(), SANS),
}
"""Widths and sizes are tueplots'. Theses have no common template: theirs is the width of LaTeX's report at 12 pt."""
DEFAULT = Venue(5.5, 3.25, SANS, {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7, "xtick.labelsize": 7,
    "ytick.labelsize": 7,
})  # fmt: skip
"""Fits a text of 5.5 in and a column of 3.25 in."""
_venue: ContextVar[Venue] = ContextVar("venue", default=DEFAULT)


@contextmanager
def at_venue(name: str | None) -> Iterator[None]:
    """Makes figures that are drawn inside those of a venue of `VENUES`, or of `DEFAULT`."""
    token = _venue.set(DEFAULT if name is None else VENUES[name])
    try:
        yield
    finally:
        _venue.reset(token)


def text_width() -> float:
    """Returns the width in inches of a figure across the text."""
    return _venue.get().text


def column_width() -> float:
    """Returns the width in inches of a figure in one column of the text, which may have one only."""
    return _venue.get().column


@contextmanager
def style() -> Iterator[None]:
    """Sets matplotlib's parameters for figures drawn inside: its defaults, whatever matplotlibrc says, and these."""
    venue = _venue.get()
    with matplotlib.style.context(
        [
            "default",
            dict(venue.sizes),
            {
                "font.family": [venue.letters, SANS],  # of the second is what the first has not, such as ✓
                "mathtext.fontset": "stix" if venue.letters == SERIF else "dejavusans",
                # A fixed place: to look for a free one above the ticks takes a quarter of the time of drawing.
                "axes.titley": 1.0,
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
                "svg.fonttype": "path",
                # TrueType: what submission systems check for; the default, Type 3, is refused
                "pdf.fonttype": 42,
                "ps.fonttype": 42,
                "svg.hashsalt": "noise-study",
                "figure.dpi": 200,
                "axes.prop_cycle": cycler(color=PALETTE),
            },
        ]
    ):
        yield


def printed_width(text: str, size: str | float = "small") -> float:
    """Returns how many inches a text takes, at a size as matplotlib takes it."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)
    return float(width) / 72


def legend_columns(labels: Sequence[str], width: float) -> int:
    """Returns how many columns of a legend fit into `width` inches, by the longest of its labels."""
    size = mpl.rcParams["legend.fontsize"]
    widest = max((printed_width(label, size) for label in labels), default=0)
    return max(1, min(4, len(labels), int(width / (0.45 + widest))))
