"""Corruptions of MNIST-C (Mu and Gilmer 2019) that draw on the image: stripes, lines, edges.

MNIST-C publishes one strength of each. Here severity scales it: stripes and lines are published at severity 3
(`levels` of 1), canny edges at severity 5 (nothing left but the edges). Positions are in the frame of the
published 28 x 28 image, which is stretched over an image of any size.
"""

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions import edges, linear
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import MNIST, Level, Levels, column


def stripe(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """Inverts the leftmost and the rightmost quarter, times the level; part of a pixel inverts in part."""
    width = x.shape[3]
    left = torch.arange(width, device=x.device, dtype=x.dtype)
    covered = (level[0] * width / 4 - torch.minimum(left, width - 1 - left)).clamp_(0, 1)
    return x + covered * (1 - 2 * x)


def dotted_line(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """A bright line from the left to the right edge at two random heights, dashed by 2. level: (relative
    width).
    """
    columns, rows = _frame(x)
    start, end = (torch.randint(0, 27, (len(x),), generator=rng, device=x.device).to(x) for _ in range(2))
    line = _line(columns, rows, (torch.zeros_like(start), start), (torch.full_like(end, 27), end), level[0])
    dash = (columns / 2).floor() % 2
    return x + (line * dash)[:, None]


def zigzag(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """A bright zigzag from left to right: teeth of length 4 and height +-2 along a random line.

    level: (relative width).
    """
    columns, rows = _frame(x)
    start = torch.randint(0, 27, (len(x),), generator=rng, device=x.device).to(x)
    drop = torch.randint(-5, 5, (len(x),), generator=rng, device=x.device).to(x)
    angle = torch.atan(drop / _RUN)
    length = _RUN / torch.cos(angle)
    along = [torch.zeros_like(length), *(torch.full_like(length, 4 * i + 2) for i in range(_TEETH)), length]
    across = [torch.zeros_like(length), *(torch.full_like(length, 2 * (-1) ** i) for i in range(_TEETH))]
    across.append(across[-1] / (2 * (length - 4 * ((length / 4).floor()))))
    sine, cosine = torch.sin(angle), torch.cos(angle)
    points = [(u * cosine - v * sine + 2, u * sine + v * cosine + start) for u, v in zip(along, across, strict=True)]
    total = torch.zeros_like(x[:, 0])
    for before, after in zip(points, points[1:], strict=False):
        total += _line(columns, rows, before, after, level[0])
    return x + total[:, None]


_RUN, _TEETH = 23, 6
"""Columns that a zigzag spans in the 28 x 28 frame, and its teeth."""


def canny_edges(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """x * (1 - a) + edges * a, the edges of each channel by Canny at thresholds 0.1 and 0.2.

    level: (a, blur sigma in pixels).
    """
    outline = edges.canny(x.flatten(0, 1), level[1], 0.1, 0.2).view_as(x)
    return torch.lerp(x, outline.to(x.dtype), level[0])


def _frame(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the column and row (H, W) of each pixel's centre in the published 28 x 28 frame."""
    columns, rows = linear.pixel_grid(x)
    height, width = x.shape[-2:]
    return (columns + 0.5) * (MNIST / width) - 0.5, (rows + 0.5) * (MNIST / height) - 0.5


def _line(
    columns: Tensor, rows: Tensor, start: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor], width: float
) -> Tensor:
    """Returns the brightness (B, H, W) of a line between two points (column, row), each coordinate (B,).

    log(1 - d / (2.3 * width)) + 1 above 0, d the vertical distance, on the columns that the line touches.
    """
    (left, top), (right, bottom) = ([value[:, None, None] for value in point] for point in (start, end))
    height = top + (columns - left) * (bottom - top) / (right - left)
    reach = 2.3 * width
    distance = (rows - height).abs_().clamp_(max=reach * (1 - 1e-6))
    bright = torch.log1p(-distance / reach).add_(1).clamp_(0, 1)
    return bright * ((columns >= left.floor()) & (columns < right.ceil()))


def _levels() -> Levels:
    return Levels(floors=(None,), mnist=column(1 / 3, 2 / 3, 1, 4 / 3, 5 / 3))


CORRUPTIONS = (
    Corruption("stripe", "stroke", stripe, Levels(floors=(None,), mnist=column(0.5, 0.75, 1, 1.25, 1.5))),
    Corruption("dotted_line", "stroke", dotted_line, _levels()),
    Corruption("zigzag", "stroke", zigzag, _levels()),
    Corruption(
        "canny_edges",
        "stroke",
        canny_edges,
        Levels(floors=(None, 0.4), mnist=((0.2, 1), (0.4, 1), (0.6, 1), (0.8, 1), (1, 1))),
    ),
)
