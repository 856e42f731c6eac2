"""Small multiples: a grid of panels that share their axes' names and one legend."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.core.looks import shortened
from reports.core.style import column_width, legend_columns, printed_width, text_width

ROOM = 12
"""Lines of a legend that fit into a panel."""
LONGEST = 60
"""Characters of a name in a legend: they fit the narrowest figure."""


class Panels:
    """A figure of `count` panels in rows of at most `columns`, each `height` inches high; `axes` are theirs.

    cells: the place of each panel in the grid, counted row by row; without them one after the other. shared: what
    `Figure.subplots` takes of sharex and sharey. A single panel is as wide as a column of the text.
    """

    def __init__(
        self, count: int, columns: int, height: float, cells: Sequence[int] | None = None, **shared: Any
    ) -> None:
        cells = range(count) if cells is None else cells
        wide = min(columns, max(cells) + 1)
        rows = math.ceil((max(cells) + 1) / wide)
        self._width = text_width() / wide
        size = (text_width() if wide > 1 else column_width(), 0.5 + height * rows)
        self.figure = Figure(figsize=size, layout="constrained")
        every = list(self.figure.subplots(rows, wide, squeeze=False, **shared).ravel())
        self.axes: list[Axes] = [every[cell] for cell in cells]
        self._empty: list[Axes] = [axis for cell, axis in enumerate(every) if cell not in cells]
        for axis in self._empty:
            axis.set_axis_off()
        lowest = {cell % wide: every[cell] for cell in sorted(cells)}
        for axis in lowest.values():
            axis.tick_params(labelbottom=True)

    def label(self, x: str, y: str) -> None:
        """Writes the axes' names once, and one legend of all panels into an empty place, else above all."""
        self.figure.supxlabel(x, fontsize="medium")
        self.figure.supylabel(y, fontsize="medium")
        handles = _handles(self.axes)
        narrow = all(printed_width(label) < 0.6 * self._width for label in handles)
        if self._empty and len(handles) <= ROOM and narrow:
            self._empty[0].legend(handles.values(), handles, loc="center left", borderaxespad=0)
        else:
            _legend(self.figure, handles, "outside upper center")


def legend_below(figure: Figure, axes: Iterable[Axes]) -> None:
    """Writes one legend below all axes, with each name in them once."""
    _legend(figure, _handles(axes), "outside lower center")


def _handles(axes: Iterable[Axes]) -> dict[str, Artist]:
    """Returns each name that legends of the axes would have, once, with what it stands for."""
    pairs = [pair for axis in axes for pair in zip(*axis.get_legend_handles_labels(), strict=True)]
    return {shortened(str(label), LONGEST): handle for handle, label in pairs}


def _legend(figure: Figure, handles: dict[str, Artist], place: str) -> None:
    if handles:
        columns = legend_columns(list(handles), figure.get_figwidth())
        figure.legend(list(handles.values()), list(handles), loc=place, ncols=columns)
