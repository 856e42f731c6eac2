"""Random textures, one an image: plasma for fog, crystals for frost."""

import math

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions import linear

_WHOLE = 32
"""Points a side up to which a plasma map is built whole before only the part in view is refined."""
_MARGIN = 2
"""Coarse points kept on each side of that part: as far as its false edges reach while it is refined."""


def plasma(x: Tensor, map_side: float, decay: float, rng: Generator) -> Tensor:
    """Returns the upper left corner of a diamond-square height map, one an image of x: (B, 1, H, W) in [0,
    1].

    map_side: pixels of the whole (periodic) map, rounded to a power of two that holds the image. Each halving
    of the step draws uniform in +-w^2 around the mean of four neighbours, then divides w by `decay`; the
    first w, and with it the unit, cancels in the normalisation by the map's least and largest value.

    Where the image is a small corner of the map, only that corner is refined beyond 32 points a side, and the
    extremes are those of the coarse map and of the corner.
    """
    view = max(x.shape[-2:])
    step = max(2 ** round(math.log2(map_side)), 1 << (view - 1).bit_length())
    grid = torch.zeros(len(x), 1, 1, device=x.device, dtype=x.dtype)
    extremes: list[Tensor] = []
    wobble, start = 1.0, 0
    while step > 1:
        needed = (view - 1) // step + 2 + 2 * _MARGIN
        if not extremes and grid.shape[1] >= _WHOLE and needed < grid.shape[1]:
            extremes.append(grid.flatten(1))
            grid = grid.roll((_MARGIN, _MARGIN), (1, 2))[:, :needed, :needed]
            start = _MARGIN * step
        grid = _doubled(grid, wobble**2, rng)
        wobble, step = wobble / decay, step // 2
    seen = grid[:, None, start : start + x.shape[2], start : start + x.shape[3]]
    low, high = torch.cat([*extremes, (seen if extremes else grid).flatten(1)], 1).aminmax(dim=1)
    return (seen - low.view(-1, 1, 1, 1)) / (high - low).view(-1, 1, 1, 1)


def _doubled(grid: Tensor, spread: float, rng: Generator) -> Tensor:
    """Returns the periodic map (B, N, N) at twice the resolution: one diamond and one square step."""

    def wobbled(total: Tensor) -> Tensor:
        return torch.empty_like(total).uniform_(-spread, spread, generator=rng).add_(total, alpha=0.25)

    count, side, _ = grid.shape
    fine = grid.new_empty(count, side, 2, side, 2)
    sums = grid + grid.roll(-1, 1)
    middle = wobbled(sums + sums.roll(-1, 2))
    fine[:, :, 0, :, 0] = grid
    fine[:, :, 1, :, 1] = middle
    fine[:, :, 0, :, 1] = wobbled(middle + middle.roll(1, 1) + grid + grid.roll(-1, 2))
    fine[:, :, 1, :, 0] = wobbled(middle + middle.roll(1, 2) + sums)
    return fine.view(count, 2 * side, 2 * side)


_CRYSTALS = ((112, 0.35), (28, 0.3), (7, 0.5), (2, 1.0))
"""Cells along the shorter side, and share of the standard deviation, of each octave of the frost."""
_TINT = (0.9, 0.2, 0.0)
"""How much of the tint each channel loses: frost is bluish."""


def frost(x: Tensor, rng: Generator) -> Tensor:
    """Returns a procedural frost texture an image of x, in x's shape, in [0, 1].

    Not the photographs of the published sets: four octaves of noise, the two of medium size folded into
    ridges, with brightness (0.45 to 0.85), contrast (std 0.07 to 0.17) and blue tint drawn an image, in the
    photographs' ranges. The published sets add a crop of one of the first five of their six photographs (the draw never
    gives the sixth), shrunk to a fifth for CIFAR-10-C, by the same weights (a, b): our strength differs from theirs as
    far as our texture's brightness does.
    """
    count, channels, height, width = x.shape
    texture = x.new_zeros(count, 1, height, width)
    for cells, share in _CRYSTALS:
        sides = [max(2, min(n, round(cells * n / min(height, width)))) for n in (height, width)]
        noise = torch.empty(count, 1, *sides, device=x.device, dtype=x.dtype).normal_(generator=rng)
        if 2 < cells < 112:
            noise = 1 - noise.abs() * 2
        rows, columns = (stretch_matrix(m, n, x) for m, n in zip(sides, (height, width), strict=True))
        texture += share * linear.separable(noise, rows, columns)
    spread, mean = torch.std_mean(texture, (1, 2, 3), keepdim=True)
    base, contrast, tint = (
        linear.uniform(x, low, high, rng).view(-1, 1, 1, 1) for low, high in ((0.45, 0.85), (0.07, 0.17), (0.05, 0.4))
    )
    texture = base + contrast * (texture - mean) / spread
    if channels == 1:
        return texture.clamp_(0, 1)
    return (texture * (1 - tint * x.new_tensor(_TINT).view(1, -1, 1, 1))).clamp_(0, 1)


def stretch_matrix(size: int, out: int, like: Tensor) -> Tensor:
    """Returns the (out, size) matrix that interpolates `size` points linearly, the first and last on the
    edges.
    """
    position = torch.linspace(0, size - 1, out, dtype=torch.float64)
    return (1 - (position[:, None] - torch.arange(size)).abs()).clamp_(min=0).to(like)
