"""Blur corruptions of ImageNet-C, and its held-out Gaussian blur."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from study.evaluation.corruptions import linear
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, Levels, column


def gaussian_blur(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """Gaussian blur, edges repeated. level: (sigma), in pixels."""
    return linear.gaussian_blur(x, level[0])


def defocus_blur(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """Convolution with a disk, itself smoothed by a 3 x 3 (5 x 5 beyond radius 8) Gaussian; the image is
    mirrored.

    level: (radius, smoothing sigma), in pixels.
    """
    kernel = disk(*level)
    reach = kernel.shape[0] // 2
    height, width = x.shape[-2:]
    rows, columns = (_mirror(torch.arange(-reach, n + reach, device=x.device), n) for n in (height, width))
    padded = x[..., rows, :][..., columns]
    out = torch.zeros_like(x)
    for i, weights in enumerate(kernel.tolist()):
        for j, weight in enumerate(weights):
            if weight > 1e-7:
                out.add_(padded[..., i : i + height, j : j + width], alpha=weight)
    return out


def disk(radius: float, sigma: float) -> Tensor:
    """Returns the (K, K) kernel, sum 1: the whole-pixel positions within `radius`, smoothed by a Gaussian."""
    reach = math.floor(radius)
    taps = 1 if radius <= 8 else 2
    square = torch.arange(-reach, reach + 1, dtype=torch.float64) ** 2
    inside = (square[:, None] + square <= radius**2).double()
    smooth = torch.exp(-0.5 * (torch.arange(-taps, taps + 1, dtype=torch.float64) / sigma) ** 2)
    smooth /= smooth.sum()
    square = (inside / inside.sum())[None, None]
    return F.conv2d(square, torch.outer(smooth, smooth)[None, None], padding=2 * taps)[0, 0]


def _mirror(index: Tensor, size: int) -> Tensor:
    """Returns positions folded into [0, size) as d c b | a b c d | c b a."""
    period = max(2 * (size - 1), 1)
    index = index.remainder(period)
    return torch.minimum(index, period - index)


def motion_blur(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Smear along a direction drawn per image from [-45, 45) degrees. level: (radius, sigma), in pixels."""
    return linear.motion_blur(x, level[0], level[1], linear.uniform(x, -45, 45, rng))


def zoom_blur(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """Mean of the image and of its magnifications by 1, 1 + step, ..., 1 + (count - 1) * step, see
    `linear.zoom_matrix`. level: (count, step).
    """
    step = (1 + level[1]) - 1  # rounded as NumPy's arange rounds it: a magnified side may hang on the last bit
    factors = [1 + step * i for i in range(round(level[0]))]
    rows, columns = (torch.stack([linear.zoom_matrix(n, factor, x) for factor in factors]) for n in x.shape[-2:])
    return (x + linear.separable_sum(x, rows, columns)) / (len(factors) + 1)


def glass_blur(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Blur, exchange of each pixel with a near one in scan order, blur. level: (sigma, reach, rounds, share).

    sigma, reach in pixels; share: the probability that a pixel is exchanged at all. A reach is rounded to
    whole pixels, at least one, and `share` takes the square of the ratio: the displacements keep their
    variance. Images of one channel are blurred along their columns only: MNIST-C's blur takes the last axis
    for channels.
    """
    sigma, reach, rounds, share = level
    whole = max(1, round(reach))
    sources = exchanged(x, whole, round(rounds), min(1.0, share * (reach / whole) ** 2), rng)
    blurred = _glass_gaussian(x, sigma).flatten(2)
    moved = blurred.gather(2, sources[:, None].expand_as(blurred)).view_as(x)
    return _glass_gaussian(moved, sigma)


def _glass_gaussian(x: Tensor, sigma: float) -> Tensor:
    if x.shape[1] == 1:
        return linear.gaussian_matrix(x.shape[2], sigma, x) @ x
    return linear.gaussian_blur(x, sigma)


def exchanged(x: Tensor, reach: int, rounds: int, share: float, rng: Generator) -> Tensor:
    """Returns which pixel (B, H * W) each pixel of x (B, C, H, W) comes from after the local exchange.

    The published loop visits the pixels from the lower right to the upper left and exchanges each with one
    displaced by (dy, dx), both uniform in -reach .. reach - 1. Pixels whose windows do not overlap do not
    affect each other, so all pixels of one wave, 2 * reach * row + column = constant, are exchanged at once:
    the outcome is the loop's own, in about 2 * reach * H + W steps instead of H * W. In colour the published
    loop overwrites where it means to swap (its two pixels are views of one array), so colour images copy the
    neighbour and one-channel images swap.
    """
    height, width = x.shape[-2:]
    source = torch.arange(height * width, device=x.device).repeat(len(x), 1)
    rows = torch.arange(height - reach, reach, -1, device=x.device)
    columns = torch.arange(width - reach, reach, -1, device=x.device)
    wave = (2 * reach * (height - reach - rows)[:, None] + (width - reach - columns)).flatten()
    place = (rows[:, None] * width + columns).flatten()
    order = wave.argsort(stable=True)
    waves = torch.split(place[order], torch.bincount(wave).tolist())
    for _ in range(rounds):
        shape = (2, len(x), len(place))
        down, right = torch.randint(-reach, reach, shape, generator=rng, device=x.device)
        keep = torch.empty(shape[1:], device=x.device).uniform_(generator=rng) < share
        offsets = torch.where(keep, down * width + right, 0)
        start = 0
        for here in waves:
            there = here + offsets[:, start : start + len(here)]
            here = here.expand_as(there)
            start += here.shape[1]
            taken = source.gather(1, there)
            if x.shape[1] == 1:
                source.scatter_(1, there, source.gather(1, here))
            source.scatter_(1, here, taken)
    return source


_GLASS = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))


CORRUPTIONS = (
    Corruption(
        "defocus_blur",
        "blur",
        defocus_blur,
        Levels(
            floors=(1.0, None),
            cifar=((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
            imagenet=((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
        ),
    ),
    Corruption(
        "glass_blur",
        "blur",
        glass_blur,
        Levels(
            floors=(0.4, 0.0, None, None),
            mnist=tuple((*level, 0.5) for level in _GLASS),
            cifar=((0.05, 1, 1, 1), (0.25, 1, 1, 1), (0.4, 1, 1, 1), (0.25, 1, 2, 1), (0.4, 1, 2, 1)),
            imagenet=tuple((*level, 1.0) for level in _GLASS),
        ),
    ),
    Corruption(
        "motion_blur",
        "blur",
        motion_blur,
        Levels(
            floors=(1.0, 0.4),
            cifar=((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
            imagenet=((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
        ),
    ),
    Corruption(
        "zoom_blur",
        "blur",
        zoom_blur,
        Levels(
            floors=(None, None),
            cifar=((7, 0.01), (12, 0.01), (16, 0.01), (21, 0.01), (26, 0.01)),
            imagenet=((12, 0.01), (16, 0.01), (11, 0.02), (13, 0.02), (11, 0.03)),
        ),
    ),
    Corruption(
        "gaussian_blur",
        "blur",
        gaussian_blur,
        Levels(floors=(0.4,), cifar=column(0.4, 0.6, 0.7, 0.8, 1), imagenet=column(1, 2, 3, 4, 6)),
    ),
)
