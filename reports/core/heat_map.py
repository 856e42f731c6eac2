"""Heat maps: a grid of cells, coloured by one number and with another written in each."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage


def heat_map(
    axis: Axes, values: np.ndarray, texts: np.ndarray, columns: list[str], rows: list[str], **colours: Any
) -> AxesImage:
    """Draws values (R, C) as colours with texts (R, C) in them, and names rows and columns; the first row is on top.

    A nan has no colour, and "" is not written. colours: of `Axes.imshow`, such as cmap, vmin and vmax.
    """
    axis.set_facecolor("0.85")  # a cell without a value
    image = axis.imshow(values, aspect="auto", **colours)
    shades = image.to_rgba(values)[..., :3] @ (0.299, 0.587, 0.114)
    for (row, column), text in np.ndenumerate(texts):
        if text:
            dark = shades[row, column] < 0.5 and not np.isnan(values[row, column])
            # in_layout: inside its axis, so there is nothing to lay out
            axis.text(column, row, text, ha="center", va="center", fontsize="small", color="white" if dark else "black",
                      in_layout=False)  # fmt: skip
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(rows)), rows)
    axis.grid(False)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return image
