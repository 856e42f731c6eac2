"""Weather corruptions of ImageNet-C, and its held-out spatter."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from study.evaluation.corruptions import edges, linear, textures
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, Levels, column

LUMINANCE = (0.299, 0.587, 0.114)
WATER = (175 / 255, 238 / 255, 238 / 255)
MUD = (63 / 255, 42 / 255, 20 / 255)


def luminance(x: Tensor) -> Tensor:
    """Returns the grey image (B, 1, H, W) of x (B, C, H, W): ITU-R 601 weights; one channel is grey
    already.
    """
    if x.shape[1] == 1:
        return x
    return (x * x.new_tensor(LUMINANCE).view(1, -1, 1, 1)).sum(1, keepdim=True)


def snow(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Whitened image plus flakes: normal noise, magnified, thresholded and smeared downwards, and its half
    turn.

    level: (mean, std, magnification, threshold, smear radius, smear sigma, share of the image left
    unwhitened).
    """
    mean, spread, zoom, threshold, radius, sigma, share = level
    height, width = x.shape[-2:]
    flakes = torch.empty_like(x[:, :1]).normal_(mean, spread, generator=rng)
    flakes = linear.separable(flakes, linear.zoom_matrix(height, zoom, x), linear.zoom_matrix(width, zoom, x))
    flakes = torch.where(flakes < threshold, 0.0, flakes).clamp_(0, 1)
    flakes = linear.motion_blur(flakes, radius, sigma, linear.uniform(x, -135, -45, rng))
    white = torch.maximum(x, luminance(x) * 1.5 + 0.5)
    return x * share + white * (1 - share) + flakes + flakes.flip(2, 3)


def frost(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """a * x + b * procedural frost, drawn per image; see `textures.frost`. level: (a, b)."""
    return x * level[0] + textures.frost(x, rng) * level[1]


def fog(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """(x + a * plasma) * m / (m + a), m the image's largest value; see `textures.plasma`.

    level: (a, decay of the plasma's detail, side of the plasma map in pixels).
    """
    haze = textures.plasma(x, level[2], level[1], rng)
    peak = x.amax((1, 2, 3), keepdim=True)
    return (x + level[0] * haze) * (peak / (peak + level[0]))


def brightness(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """HSV value + c at the same hue and saturation: all channels times v' / v, v the largest of them.
    level: (c).
    """
    value = x.amax(1, keepdim=True)
    lifted = (value + level[0]).clamp_(max=1)
    return torch.where(value > 0, x * (lifted / value.clamp(min=1e-12)), lifted)


def spatter(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Drops on the lens: water at the first three severities in colour, mud at the others and on one channel.

    level: (mean, std and blur of the liquid's noise, its threshold, strength of water, blur of mud, 1 for
    mud).
    """
    mean, spread, sigma, threshold, strength, softness, mud = level
    noise = torch.empty_like(x[:, :1]).normal_(mean, spread, generator=rng)
    liquid = linear.gaussian_blur(noise, sigma)
    if mud >= 0.5 or x.shape[1] == 1:
        drops = linear.gaussian_blur((liquid > threshold).to(x.dtype), softness)
        drops = torch.where(drops < 0.8, 0.0, drops)
        colour = x.new_tensor(MUD[: x.shape[1]]).view(1, -1, 1, 1)
        return x * (1 - drops) + colour * drops
    drops = _water(torch.where(liquid < threshold, 0.0, liquid)[:, 0]) * strength
    return x + drops * x.new_tensor(WATER).view(1, -1, 1, 1)


def _water(liquid: Tensor) -> Tensor:
    """Returns how bright each pixel shines, (B, 1, H, W) in [0, 1]: liquid times its relief.

    The relief is the distance to the drops' edges in grey levels, smoothed, its histogram equalised, embossed
    and smoothed again, each step rounded to a grey level as in the published definition.
    """
    level = (liquid * 255).clamp_(0, 255).floor_()
    relief = _box(edges.distance(edges.canny_coarse(level, 50, 150), 20)[:, None]).floor_()
    relief = _equalised(relief)
    emboss = relief.new_tensor([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]).view(1, 1, 3, 3)
    relief = F.conv2d(F.pad(relief, (1, 1, 1, 1), mode="reflect"), emboss).clamp_(0, 255)
    drops = level[:, None] * _box(relief).round_()
    return drops / drops.amax((1, 2, 3), keepdim=True).clamp_(min=1)


def _box(x: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, stride=1)


def _equalised(x: Tensor) -> Tensor:
    """Returns whole grey levels x (B, 1, H, W) in 0..255 with their histogram equalised, the least one at
    0.
    """
    flat = x.flatten(1).long()
    total = flat.shape[1]
    counts = torch.zeros(len(x), 256, device=x.device, dtype=x.dtype)
    counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=x.dtype))
    cumulated = counts.cumsum(1)
    least = cumulated.gather(1, flat.amin(1, keepdim=True))
    table = ((cumulated - least) * (255 / (total - least).clamp(min=1))).round_().clamp_(0, 255)
    flattened = torch.where(least == total, x.flatten(1), table.gather(1, flat))
    return flattened.view_as(x)


CORRUPTIONS = (
    Corruption(
        "snow",
        "weather",
        snow,
        Levels(
            floors=(None, None, None, None, 1.0, 0.4, None),
            cifar=(
                (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
                (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
                (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
                (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
                (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
            ),
            imagenet=(
                (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
                (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
                (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
                (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
                (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
            ),
        ),
    ),
    Corruption(
        "frost",
        "weather",
        frost,
        Levels(
            floors=(None, None),
            cifar=((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
            imagenet=((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
        ),
    ),
    Corruption(
        "fog",
        "weather",
        fog,
        Levels(
            floors=(None, None, 0.0),
            cifar=((0.2, 3, 32), (0.5, 3, 32), (0.75, 2.5, 32), (1, 2, 32), (1.5, 1.75, 32)),
            imagenet=((1.5, 2, 256), (2, 2, 256), (2.5, 1.7, 256), (2.5, 1.5, 256), (3, 1.4, 256)),
        ),
    ),
    Corruption(
        "brightness",
        "weather",
        brightness,
        Levels(floors=(None,), cifar=column(0.05, 0.1, 0.15, 0.2, 0.3), imagenet=column(0.1, 0.2, 0.3, 0.4, 0.5)),
    ),
    Corruption(
        "spatter",
        "weather",
        spatter,
        Levels(
            floors=(None, None, 0.4, None, None, 0.4, None),
            cifar=(
                (0.62, 0.1, 0.7, 0.7, 0.5, 0.5, 0),
                (0.65, 0.1, 0.8, 0.7, 0.5, 0.5, 0),
                (0.65, 0.3, 1, 0.69, 0.5, 0.5, 0),
                (0.65, 0.1, 0.7, 0.69, 0.6, 0.6, 1),
                (0.65, 0.1, 0.5, 0.68, 0.6, 0.6, 1),
            ),
            imagenet=(
                (0.65, 0.3, 4, 0.69, 0.6, 0.6, 0),
                (0.65, 0.3, 3, 0.68, 0.6, 0.6, 0),
                (0.65, 0.3, 2, 0.68, 0.5, 0.5, 0),
                (0.65, 0.3, 1, 0.65, 1.5, 1.5, 1),
                (0.67, 0.4, 1, 0.65, 1.5, 1.5, 1),
            ),
        ),
    ),
)
