"""Geometric operators on 8-bit images (N, C, H, W), each image with its own strength; they return new ones.

Each point of the result is read from a point of the source, in pixels with (0.5, 0.5) the centre of the
first. Reading is bilinear, edge pixels repeat for half a pixel, and what lies outside the source is 0, as in
Pillow's `transform(..., AFFINE, resample=BILINEAR)`, which the published AugMix uses (Pillow's default is
nearest, which `nearest` chooses). An operator reads no more than it needs: four neighbours for a rotation, two
in the same row or column for a shear, and for a translation by whole pixels one stretch of memory.

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


def rotate(x: Tensor, degrees: Tensor, *, nearest: bool = False) -> Tensor:
    """Returns x turned about its centre, counterclockwise, by degrees (N,)."""
    height, width = x.shape[2:]
    angle = degrees.deg2rad()
    cos, sin = angle.cos(), angle.sin()
    columns = torch.arange(width, device=x.device) + (0.5 - width / 2)
    rows = (torch.arange(height, device=x.device) + (0.5 - height / 2))[:, None]
    # Planes of x and of y, (N, 2, H, W), in units where the source reaches from -1 to 1.
    by_column = torch.stack([cos * (2 / width), sin * (2 / height)], 1)[..., None, None]
    by_row = torch.stack([-sin * (2 / width), cos * (2 / height)], 1)[..., None, None]
    source = by_column * columns + by_row * rows
    within = source.abs() < 1
    grid = source.permute(0, 2, 3, 1)
    mode = "nearest" if nearest else "bilinear"
    read = F.grid_sample(x.float(), grid, mode=mode, padding_mode="border", align_corners=False)
    return read.add_(ROUNDING).to(torch.uint8).mul_(within[:, :1] & within[:, 1:])


def shear_x(x: Tensor, slope: Tensor, *, nearest: bool = False) -> Tensor:
    """Returns x read at source x = x + slope * y; slope (N,)."""
    rows = torch.arange(x.shape[2], device=x.device) + 0.5
    offset = slope[:, None] * rows
    return _slide(x, (offset + 0.5).floor() if nearest else offset)


def shear_y(x: Tensor, slope: Tensor, *, nearest: bool = False) -> Tensor:
    """Returns x read at source y = y + slope * x; slope (N,)."""
    return shear_x(x.mT, slope, nearest=nearest).mT


def translate_x(x: Tensor, pixels: Tensor) -> Tensor:
    """Returns x moved left by pixels (N,), of which there may be parts."""
    return _slide(x, pixels[:, None].expand(-1, x.shape[2]))


def translate_y(x: Tensor, pixels: Tensor) -> Tensor:
    """Returns x moved up by pixels (N,), of which there may be parts."""
    return translate_x(x.mT, pixels).mT


def shift(x: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """Returns x moved left by columns (N,) and up by rows (N,), whole numbers."""
    n, _, height, width = x.shape
    columns = columns.long().clamp(-width, width)
    rows = rows.long().clamp(-height, height)
    # A moved image is as many bytes in a row as it was, from further on or back; what it then holds of the
    # image before or after it lies outside the source.
    size, margin = x[0].numel(), x.new_zeros((height + 1) * width)
    flat = torch.cat([margin, x.flatten(), margin])
    start = torch.arange(n, device=x.device) * size + (len(margin) + rows * width + columns)
    moved = flat.as_strided((len(flat) - size + 1, size), (1, 1)).index_select(0, start).view_as(x)
    across = _inside(torch.arange(width, device=x.device) + columns[:, None], width)
    down = _inside(torch.arange(height, device=x.device) + rows[:, None], height)
    return moved.mul_((down[:, :, None] & across[:, None])[:, None])


def _slide(x: Tensor, offset: Tensor) -> Tensor:
    """Returns x with row i of image n read offset[n, i] pixels to the right; offset (N, H)."""
    width = x.shape[3]
    whole = offset.floor()
    columns = torch.arange(width + 1, device=x.device)
    source = (whole.long()[..., None] + columns).clamp_(0, width - 1)
    pixels = x.contiguous().gather(3, source[:, None].expand(-1, x.shape[1], -1, -1)).float()
    read = pixels[..., :-1].lerp(pixels[..., 1:], (offset - whole)[:, None, :, None])
    from_centre = (offset + (0.5 - width / 2))[..., None] + columns[:-1]
    return read.add_(ROUNDING).to(torch.uint8).mul_((from_centre.abs_() < width / 2)[:, None])


def _inside(place: Tensor, size: int) -> Tensor:
    return (place >= 0) & (place < size)
