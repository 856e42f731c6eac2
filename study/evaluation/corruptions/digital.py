"""Digital corruptions of ImageNet-C, and its held-out saturation."""

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions import jpeg, linear
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, Levels, Table, column


def contrast(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """(x - mean) * c + mean, the mean of each channel of each image. level: (c)."""
    mean = x.mean((2, 3), keepdim=True)
    return (x - mean) * level[0] + mean


def pixelate(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """Box resize to floor(c * side) and back. level: (c)."""
    height, width = x.shape[-2:]
    rows, columns = (
        linear.box_matrix(small, n, x) @ linear.box_matrix(n, small, x)
        for n, small in ((height, max(1, int(height * level[0]))), (width, max(1, int(width * level[0]))))
    )
    return linear.separable(x, rows, columns)


def elastic_transform(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """A random affine map, then a smooth random displacement of each pixel, both an image.

    The map moves three corners of the middle third by uniform (-affine, affine) in both axes; the
    displacement is amount * G(sigma) * U(-1, 1) in each axis. level: (amount, sigma, affine), in pixels.
    Outside, colour images are mirrored and one-channel images black, as published.
    """
    amount, sigma, affine = level
    columns, rows = linear.pixel_grid(x)
    outside: tuple[linear.Outside, linear.Outside]
    outside = ("zeros", "zeros") if x.shape[1] == 1 else ("mirror", "reflect")
    back = _affine_back(x, affine, rng)
    places = torch.stack((columns, rows, torch.ones_like(rows)), -1)
    moved = places.flatten(0, 1) @ back
    x = linear.sample(x, *moved.view(len(x), *rows.shape, 2).unbind(-1), outside=outside[0])
    noise = x.new_empty(len(x), 2, *rows.shape).uniform_(-1, 1, generator=rng)
    shift = linear.gaussian_blur(noise, sigma, truncate=3, border="reflect") * amount
    return linear.sample(x, columns + shift[:, 0], rows + shift[:, 1], outside=outside[1])


def _affine_back(x: Tensor, affine: float, rng: Generator) -> Tensor:
    """Returns maps (B, 3, 2) from (column, row, 1) of the result to (column, row) of x."""
    height, width = x.shape[-2:]
    centre = x.new_tensor((width // 2, height // 2))
    corners = centre + min(height, width) // 3 * x.new_tensor(((1, 1), (1, -1), (-1, -1)))
    moved = corners + x.new_empty(len(x), 3, 2).uniform_(-affine, affine, generator=rng)
    homogeneous = torch.cat((moved, torch.ones_like(moved[..., :1])), -1)
    back: Tensor = torch.linalg.solve(homogeneous, corners.expand_as(moved))
    return back


def jpeg_compression(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """What JPEG gives back; see `jpeg.roundtrip`. level: (quality)."""
    return jpeg.roundtrip(x, round(level[0]))


def saturate(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """HSV saturation s -> clip(a * s + b); grey pixels count as red. One channel has only its value to
    stretch.

    level: (a, b).
    """
    if x.shape[1] == 1:
        return x * level[0] + level[1]
    high, low = x.amax(1, keepdim=True), x.amin(1, keepdim=True)
    saturation = (high - low) / high.clamp(min=1e-12)
    wanted = (saturation * level[0] + level[1]).clamp_(0, 1)
    red = x.new_tensor((0, 1, 1)).view(1, -1, 1, 1)
    hue = torch.where(high > low, (high - x) / (high - low).clamp(min=1e-12), red)
    return high * (1 - wanted * hue)


def _times(side: int, shares: Table) -> Table:
    """Returns a table published in shares of a side. (ImageNet-C's is 244, a slip of its own.)"""
    return tuple(tuple(side * share for share in level) for level in shares)


_ELASTIC_SMALL = ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03))
"""CIFAR-10-C's; also for one channel, where ImageNet-C's shares at 28 px (not part of MNIST-C) destroy the
image.
"""
_ELASTIC = ((2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))


CORRUPTIONS = (
    Corruption(
        "contrast",
        "digital",
        contrast,
        Levels(
            floors=(None,),
            cifar=column(0.75, 0.5, 0.4, 0.3, 0.15),
            imagenet=column(0.4, 0.3, 0.2, 0.1, 0.05),
        ),
    ),
    Corruption(
        "pixelate",
        "digital",
        pixelate,
        Levels(
            floors=(None,),
            cifar=column(0.95, 0.9, 0.85, 0.75, 0.65),
            imagenet=column(0.6, 0.5, 0.4, 0.3, 0.25),
        ),
    ),
    Corruption(
        "elastic_transform",
        "digital",
        elastic_transform,
        Levels(
            floors=(0.0, 0.0, 0.0),
            mnist=_times(28, _ELASTIC_SMALL),
            cifar=_times(32, _ELASTIC_SMALL),
            imagenet=_times(244, _ELASTIC),
        ),
    ),
    Corruption(
        "jpeg_compression",
        "digital",
        jpeg_compression,
        Levels(floors=(None,), cifar=column(80, 65, 58, 50, 40), imagenet=column(25, 18, 15, 10, 7)),
    ),
    Corruption(
        "saturate",
        "digital",
        saturate,
        Levels(
            floors=(None, None),
            cifar=((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
            imagenet=((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
        ),
    ),
)
