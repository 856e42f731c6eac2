"""Geometric operators on 8-bit images: one matrix per image, one resampling for all.

A matrix (N, 2, 3) maps a point of the result to the point of the source it is read from, in pixels with
(0.5, 0.5) the centre of the first. Reading is bilinear, edge pixels repeat for half a pixel, and what lies
outside the source is 0, as in Pillow's `transform(..., AFFINE, resample=BILINEAR)`, which the published
AugMix uses (Pillow's default is nearest).

Tolerance against Pillow, stated once for all: translations by whole pixels and strength 0 are equal;
elsewhere a value differs by at most 1 of 255, save where a source point lies within 1e-3 pixels of the
source's border.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

ROUNDING = 1 / 64
"""Added before cutting to an integer, as Pillow cuts: an interpolated 4.9999 is a 5 that single precision
missed."""


def warp(x: Tensor, matrix: Tensor) -> Tensor:
    """Returns x (N, C, H, W) uint8 resampled by matrix (N, 2, 3), uint8."""
    height, width = x.shape[2:]
    columns = torch.arange(width, device=x.device) + 0.5
    rows = torch.arange(height, device=x.device)[:, None] + 0.5
    # In units where the source reaches from -1 to 1: planes of x and of y, (N, 2, H, W).
    m = torch.stack([matrix[:, 0] * (2 / width), matrix[:, 1] * (2 / height)], 1)[..., None, None]
    source = m[:, :, 0] * columns + (m[:, :, 1] * rows + (m[:, :, 2] - 1))
    within = (source >= -1) & (source < 1)
    inside = (within[:, 0] & within[:, 1]).to(torch.uint8)
    grid = source.permute(0, 2, 3, 1)
    read = F.grid_sample(x.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return read.add_(ROUNDING).to(torch.uint8).mul_(inside[:, None])


def rotation(degrees: Tensor, height: int, width: int) -> Tensor:
    """Returns matrices that turn images about their centre, counterclockwise, by degrees (N,)."""
    angle = degrees.deg2rad()
    cos, sin = angle.cos(), angle.sin()
    x, y = width / 2, height / 2
    return _matrix(cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y)


def shear_x(slope: Tensor) -> Tensor:
    """Returns matrices of source x = x + slope * y; slope (N,)."""
    one, zero = torch.ones_like(slope), torch.zeros_like(slope)
    return _matrix(one, slope, zero, zero, one, zero)


def shear_y(slope: Tensor) -> Tensor:
    """Returns matrices of source y = y + slope * x; slope (N,)."""
    one, zero = torch.ones_like(slope), torch.zeros_like(slope)
    return _matrix(one, zero, zero, slope, one, zero)


def translation_x(pixels: Tensor) -> Tensor:
    """Returns matrices of source x = x + pixels (N,): the image moves left by that much."""
    one, zero = torch.ones_like(pixels), torch.zeros_like(pixels)
    return _matrix(one, zero, pixels, zero, one, zero)


def translation_y(pixels: Tensor) -> Tensor:
    """Returns matrices of source y = y + pixels (N,): the image moves up by that much."""
    one, zero = torch.ones_like(pixels), torch.zeros_like(pixels)
    return _matrix(one, zero, zero, zero, one, pixels)


def _matrix(*entries: Tensor) -> Tensor:
    return torch.stack(entries, 1).view(-1, 2, 3)
