"""Separable linear operators as small matrices, and resampling at fractional positions.

A blur, a zoom or a box resize along one axis of n pixels is an (m, n) matrix R; the image operation is R_h x
R_w^T. That keeps every boundary rule exact, works at any size and runs as two batched matrix products.
"""

import math
from collections.abc import Iterator
from itertools import product
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


def separable(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Returns rows @ x @ columns^T for x (..., H, W), rows (M, H), columns (N, W): (..., M, N)."""
    return rows @ (x @ columns.mT)


_DENSE = 1024
"""Pixels up to which a sum of separable operators is quicker as one matrix over all pixels."""


def separable_sum(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Returns the sum over k of rows[k] @ x @ columns[k]^T for x (..., H, W), rows (K, H, H), columns (K,
    W, W).
    """
    height, width = x.shape[-2:]
    if height * width > _DENSE:
        total = torch.zeros_like(x)
        for matrices in zip(rows, columns, strict=True):
            total += separable(x, *matrices)
        return total
    whole = (rows.flatten(1).T @ columns.flatten(1)).view(height, height, width, width).transpose(1, 2)
    return (x.flatten(-2) @ whole.reshape(height * width, -1).T).view_as(x)


Border = Literal["nearest", "reflect", "zeros"]
"""What lies outside an image, by SciPy's names: a a a | a b c d | d d d, c b a | a b c d | d c b, or
nothing.
"""


def gaussian_matrix(
    size: int, sigma: float, like: Tensor, *, truncate: float = 4.0, border: Border = "nearest"
) -> Tensor:
    """Returns the (size, size) matrix of a Gaussian blur, sampled at whole pixels up to truncate * sigma.

    sigma 0 gives the identity.
    """
    radius = int(truncate * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets.double() / max(sigma, 1e-9)) ** 2)
    weights = (weights / weights.sum()).expand(size, -1)
    positions = torch.arange(size)[:, None] + offsets
    if border == "reflect":
        positions = positions.remainder(2 * size)
        positions = torch.minimum(positions, 2 * size - 1 - positions)
    elif border == "zeros":
        weights = torch.where((positions >= 0) & (positions < size), weights, 0.0)
    matrix = torch.zeros(size, size, dtype=torch.float64)
    return matrix.scatter_add_(1, positions.clamp_(0, size - 1), weights).to(like)


def gaussian_blur(x: Tensor, sigma: float, *, truncate: float = 4.0, border: Border = "nearest") -> Tensor:
    """Returns x (..., H, W) blurred by a Gaussian of `sigma` pixels; see `gaussian_matrix`."""
    rows, columns = (gaussian_matrix(n, sigma, x, truncate=truncate, border=border) for n in x.shape[-2:])
    return separable(x, rows, columns)


def zoom_matrix(size: int, factor: float, like: Tensor, *, least: int = 28) -> Tensor:
    """Returns the (size, size) matrix of the published `clipped_zoom` by `factor` >= 1, interpolating linearly.

    ceil(size / factor) pixels of the middle are magnified to round(that * factor), first on first and last on last,
    and `size` of them are cut out. Both cuts round down, so the picture moves by up to a pixel to the lower right,
    and magnifies by (large - 1) / (crop - 1) instead of `factor`. A side below `least` pixels is magnified and moved
    in proportion as one of `least` is: at the smallest factors whole pixels of its own would leave it as it is. No
    benchmark has images below 28.
    """
    side = max(size, least)
    crop = math.ceil(side / factor)
    large = round(crop * factor)
    scale = (crop - 1) / max(large - 1, 1)
    middle = (side - 1) / 2
    moved = (middle + (large - side) // 2) * scale + (side - crop) // 2 - middle
    centre = (size - 1) / 2
    position = centre + (torch.arange(size, dtype=torch.float64) - centre) * scale + moved * size / side
    position.clamp_(0, size - 1)
    distance = (position[:, None] - torch.arange(size)).abs()
    return (1 - distance).clamp_(min=0).to(like)


def box_matrix(size: int, out: int, like: Tensor) -> Tensor:
    """Returns the (out, size) matrix of a box resize: the mean of the pixels whose centres fall under each
    new pixel.

    Growing repeats the nearest pixel.
    """
    scale = size / out
    centres = (torch.arange(out, dtype=torch.float64) + 0.5) * scale
    place = (torch.arange(size) - centres[:, None] + 0.5) * (1 / max(scale, 1.0))
    under = ((place > -0.5) & (place <= 0.5)).double()
    return (under / under.sum(1, keepdim=True)).to(like)


Outside = Literal["zeros", "mirror", "reflect"]


def sample(x: Tensor, columns: Tensor, rows: Tensor, *, outside: Outside) -> Tensor:
    """Returns x (B, C, H, W) read at pixel positions columns, rows (B, H, W), interpolated linearly.

    outside: "zeros", "mirror" (d c b | a b c d | c b a) or "reflect" (c b a | a b c d | d c b).
    """
    height, width = x.shape[-2:]
    padding = "zeros" if outside == "zeros" else "reflection"
    if outside == "reflect":
        grid = torch.stack(((2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1), -1)
    else:
        grid = torch.stack((2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1), -1)
    return F.grid_sample(x, grid, padding_mode=padding, align_corners=outside != "reflect")


def pixel_grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the column and the row of each pixel of x (B, C, H, W), each (H, W) in x's dtype."""
    height, width = x.shape[-2:]
    rows = torch.arange(height, device=x.device, dtype=x.dtype)
    columns = torch.arange(width, device=x.device, dtype=x.dtype)
    return columns.expand(height, width), rows[:, None].expand(height, width)


def uniform(x: Tensor, low: float, high: float, rng: Generator) -> Tensor:
    """Returns one value a image of x, uniform in [low, high): (B,)."""
    return torch.empty(len(x), device=x.device, dtype=x.dtype).uniform_(low, high, generator=rng)


def motion_blur(x: Tensor, radius: float, sigma: float, angle: Tensor) -> Tensor:
    """Returns x (B, C, H, W) smeared one way along `angle` (B,) in degrees, each image along its own.

    Half a Gaussian of `sigma` pixels over 2 * radius + 1 pixels, each tap rounded to a whole pixel, edges
    repeated (ImageMagick's motion blur). Taps beyond four sigma weigh less than 4e-4 and are left out.
    """
    height, width = x.shape[-2:]
    taps = min(round(2 * radius) + 1, math.ceil(4 * sigma) + 1)
    weights = torch.exp(-0.5 * (torch.arange(taps, dtype=torch.float64) / sigma) ** 2)
    shares: list[float] = (weights / weights.sum()).tolist()
    radians = torch.deg2rad(angle)
    out = x * shares[0]
    flat = x.flatten(2)
    rows, columns = torch.arange(height, device=x.device), torch.arange(width, device=x.device)
    for tap in range(1, taps):
        down = torch.ceil(tap * torch.sin(radians) - 0.5).long()
        right = torch.ceil(tap * torch.cos(radians) - 0.5).long()
        row = (rows + down[:, None]).clamp_(0, height - 1)
        col = (columns + right[:, None]).clamp_(0, width - 1)
        index = (row[:, :, None] * width + col[:, None, :]).flatten(1)[:, None].expand_as(flat)
        out.add_(flat.gather(2, index).view_as(x), alpha=shares[tap])
    return out


def spline_filter(size: int, like: Tensor) -> Tensor:
    """Returns the (size, size) matrix that turns pixels into coefficients of cubic B-splines through them, mirrored
    at the edges (d c b | a b c d | c b a).
    """
    positions = torch.arange(size, dtype=torch.float64)
    inverse: Tensor = torch.linalg.inv(spline_matrix(positions, size))
    return inverse.to(like)


def spline_matrix(positions: Tensor, size: int) -> Tensor:
    """Returns the (M, size) values at positions (M,) of the cubic B-splines of `size` pixels, mirrored at the edges;
    float64.
    """
    first = positions.floor()
    matrix = torch.zeros(len(positions), size, dtype=torch.float64, device=positions.device)
    for tap in range(-1, 3):
        weight = cubic_spline(positions - first - tap)
        place = _mirrored((first + tap).long(), size)
        matrix.scatter_add_(1, place[:, None], weight[:, None].double())
    return matrix


def cubic_spline(t: Tensor) -> Tensor:
    """Returns the cubic B-spline at t: 2/3 - t^2 + |t|^3 / 2 for |t| <= 1, (2 - |t|)^3 / 6 up to 2."""
    t = t.abs()
    return torch.where(t < 1, 2 / 3 - t * t + t**3 / 2, (2 - t).clamp_min(0) ** 3 / 6)


def _mirrored(place: Tensor, size: int) -> Tensor:
    place = place.abs()
    return torch.where(place >= size, 2 * (size - 1) - place, place)


def spline_taps(columns: Tensor, rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields the 16 places, in an image's pixels one after another, and weights of cubic B-splines at positions (H, W)
    of an image of that size, mirrored at its edges; weights are 0 outside.
    """
    height, width = columns.shape
    left, top = columns.floor(), rows.floor()
    inside = (columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1)
    for below, right in product(range(-1, 3), repeat=2):
        weight = cubic_spline(columns - left - right) * cubic_spline(rows - top - below) * inside
        row, col = _mirrored((top + below).long(), height), _mirrored((left + right).long(), width)
        yield row.clamp(0, height - 1) * width + col.clamp(0, width - 1), weight


def spline_zoom(size: int, factor: float, like: Tensor) -> Tensor:
    """Returns the (size, size) matrix that magnifies to round(size * factor) >= size pixels, first on first and last
    on last, by cubic B-splines that are not filtered before, and cuts out the middle.
    """
    large = round(size * factor)
    start = (large - size) // 2
    positions = (torch.arange(size, dtype=torch.float64) + start) * ((size - 1) / (large - 1))
    return spline_matrix(positions, size).to(like)
