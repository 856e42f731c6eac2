"""Geometric corruptions of MNIST-C (Mu and Gilmer 2019): affine maps about the centre, black outside."""

import math

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions import linear
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, Levels, column


def shear(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Reads x at (u - sin(a) v, cos(a) v), a = +-angle by a coin. level: (angle), in radians."""
    sign = signs(x, rng)
    return _warp(x, (1.0, -math.sin(level[0]) * sign, 0.0, math.cos(level[0])))


def rotate(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Rotation by +-angle by a coin. level: (angle), in radians."""
    sine, cosine = math.sin(level[0]) * signs(x, rng), math.cos(level[0])
    return _warp(x, (cosine, -sine, sine, cosine))


def scale(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """Shrinks the image. level: (size of the result relative to x)."""
    return _warp(x, (1 / level[0], 0.0, 0.0, 1 / level[0]))


def translate(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Shift by +-d in both axes, two coins. level: (d), in pixels."""
    columns, rows = linear.pixel_grid(x)
    right, down = (level[0] * signs(x, rng) for _ in range(2))
    return linear.sample(x, columns + right, rows + down, outside="zeros")


def signs(x: Tensor, rng: Generator) -> Tensor:
    """Returns -1 or 1 a image of x by a fair coin, (B, 1, 1)."""
    return torch.randint(0, 2, (len(x), 1, 1), generator=rng, device=x.device).to(x.dtype) * 2 - 1


def _warp(x: Tensor, matrix: tuple[float | Tensor, float | Tensor, float | Tensor, float | Tensor]) -> Tensor:
    """Returns x read at matrix (xx, xy, yx, yy) times each pixel's position relative to the centre."""
    height, width = x.shape[-2:]
    columns, rows = linear.pixel_grid(x)
    u, v = columns - (width - 1) / 2, rows - (height - 1) / 2
    shape = (len(x), height, width)
    xx, xy, yx, yy = matrix
    right, down = (xx * u + xy * v).expand(shape), (yx * u + yy * v).expand(shape)
    return linear.sample(x, right + (width - 1) / 2, down + (height - 1) / 2, outside="zeros")


def _levels(floor: float | None, *values: float) -> Levels:
    return Levels(floors=(floor,), mnist=column(*values))


CORRUPTIONS = (
    Corruption("shear", "geometric", shear, _levels(None, 0.2, 0.4, 0.6, 0.8, 1.0)),
    Corruption("scale", "geometric", scale, _levels(None, 0.9, 0.8, 0.7, 0.6, 0.5)),
    Corruption("rotate", "geometric", rotate, _levels(None, 0.2, 0.4, 0.6, 0.8, 1.0)),
    Corruption("translate", "geometric", translate, _levels(0.0, 1, 2, 3, 4, 5)),
)
