"""Small multiples: a grid of panels that share their axes' names and one legend."""

import math
from collections.abc import Iterable
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.core.style import legend_columns, text_width

ROOM = 12
"""Lines of a legend that fit into a panel."""


class Panels:
    """A figure of `count` panels in rows of at most `columns`, each `height` inches high; `axes` are theirs.

    shared: what `Figure.subplots` takes of sharex and sharey. A figure with less than a full row is as much narrower.
    """

    def __init__(self, count: int, columns: int, height: float, **shared: Any) -> None:
        wide = min(columns, count)
        rows = math.ceil(count / wide)
        size = (text_width() * max(wide / columns, 0.5), 0.5 + height * rows)
        self.figure = Figure(figsize=size, layout="constrained")
        every = list(self.figure.subplots(rows, wide, squeeze=False, **shared).ravel())
        self.axes: list[Axes] = every[:count]
        self._empty: list[Axes] = every[count:]
        for axis in self._empty:
            axis.set_axis_off()
        for axis in self.axes[-wide:]:  # the lowest of each column
            axis.tick_params(labelbottom=True)

    def label(self, x: str, y: str) -> None:
        """Writes the axes' names once, and the legend of the first panel into an empty place, else above all."""
        self.figure.supxlabel(x, fontsize="medium")
        self.figure.supylabel(y, fontsize="medium")
        handles, labels = self.axes[0].get_legend_handles_labels()
        if self._empty and len(labels) <= ROOM:
            self._empty[0].legend(handles, labels, loc="center left", borderaxespad=0)
        else:
            columns = legend_columns([str(label) for label in labels], self.figure.get_figwidth())
            self.figure.legend(handles, labels, loc="outside upper center", ncols=columns)


def legend_below(figure: Figure, axes: Iterable[Axes], used: int, columns: int) -> None:
    """Writes one legend below all axes, with each name in them once; hides axes after the first `used`."""
    named: dict[str, Artist] = {}
    for place, axis in enumerate(axes):
        axis.set_visible(place < used)
        named |= {str(label): handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=columns)
