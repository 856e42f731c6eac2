"""Optics of C-bar (Mintun et al. 2021): turned, bent and refracted images. S is the image's shorter side."""

import math
from collections.abc import Iterator
from itertools import permutations

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions import linear
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import IMAGENET, Level, strengths

_TURNS = 21
"""Angles over which a circular blur is summed, from -1.5 L to 1.5 L degrees."""
_DENSE = 1024
"""Pixels up to which a circular blur is quicker as one matrix over all pixels."""
_CELL = 8
"""Least side of a cell that is pinched, in pixels."""
_BENT = 5
"""Rounds in which caustics are bent."""


def circular_motion_blur(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """The mean of exp(-2 t^2) times x turned by 1.5 L t degrees, t = -1, -0.9 .. 1; black outside. level: (L)."""
    height, width = x.shape[-2:]
    flat = linear.separable(x, *(linear.spline_filter(n, x) for n in (height, width))).flatten(2)
    taps = _taps(x, level[0])
    if height * width <= _DENSE:
        places, weights = (torch.stack(each).flatten(1) for each in zip(*taps, strict=True))
        matrix = flat.new_zeros(height * width, height * width).scatter_add_(0, places, weights)
        return (flat @ matrix).view_as(x)
    out = torch.zeros_like(x)
    for place, weight in taps:
        out += flat.index_select(2, place.flatten()).view_as(x) * weight
    return out


def _taps(x: Tensor, level: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields places and weights (H, W) of all splines that a circular blur reads."""
    height, width = x.shape[-2:]
    columns, rows = linear.pixel_grid(x)
    right, down = columns - (width - 1) / 2, rows - (height - 1) / 2
    times = [-1 + 2 * step / (_TURNS - 1) for step in range(_TURNS)]
    total = sum(math.exp(-2 * t * t) for t in times)
    for t in times:
        angle, share = math.radians(1.5 * level * t), math.exp(-2 * t * t) / total
        across = math.cos(angle) * right + math.sin(angle) * down + (width - 1) / 2
        along = math.cos(angle) * down - math.sin(angle) * right + (height - 1) / 2
        for place, weight in linear.spline_taps(across, along):
            yield place, share * weight


def pinch_and_twirl(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """In the circle of each of 3 x 3 cells the image is turned and drawn to the middle.

    From 224 px on there are 5 x 5 cells, and fewer where a cell would have less than 8 pixels.
    A pixel at the share d of the radius is read at sin(pi d / 2)^-(0.04 L + 0.1) times its place from the middle,
    turned by +-(pi / 20) L (1 - d)^2, a coin a cell. level: (L).
    """
    size = min(x.shape[-2:])
    count = 5 if size >= IMAGENET else min(3, size // _CELL)
    cell = size // count
    columns, rows = linear.pixel_grid(x)
    number = (rows // cell * count + columns // cell).long()
    inside = (rows < cell * count) & (columns < cell * count)
    coins = torch.randint(0, 2, (len(x), count * count), generator=rng, device=x.device).to(x.dtype) * 2 - 1
    sign = coins[:, torch.where(inside, number, 0)]
    right, down = columns % cell - cell / 2, rows % cell - cell / 2
    share = (right**2 + down**2).sqrt() / (cell / 2)
    angle = sign * (math.pi / 20 * level[0]) * (1 - share) ** 2
    pinch = (math.pi / 2 * share.clamp(1e-6, 1)).sin() ** -(0.04 * level[0] + 0.1)
    across = pinch * (angle.cos() * right - angle.sin() * down) - right
    along = pinch * (angle.sin() * right + angle.cos() * down) - down
    moved = inside & (share < 1)
    return linear.sample(
        x, columns + torch.where(moved, across, 0), rows + torch.where(moved, along, 0), outside="zeros"
    )


def ripple(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Rows and columns are read at p + 0.0025 L S sin(2 pi p / lambda + phi), lambda ~ U(0.1, 0.3) S. level: (L)."""
    size = min(x.shape[-2:])
    places = []
    for place in linear.pixel_grid(x):
        wavelength, phase = linear.uniform(x, 0.1, 0.3, rng) * size, linear.uniform(x, 0, 2 * math.pi, rng)
        wave = (2 * math.pi * place / wavelength.view(-1, 1, 1) + phase.view(-1, 1, 1)).sin()
        places.append(place + 0.0025 * level[0] * size * wave)
    return linear.sample(x, *places, outside="zeros")


def transverse_chromatic_abberation(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """The channels, in random order, are magnified by 1, 1 + 0.025 L and 1 + 0.05 L; spelled as published.

    Cubic splines without their prefilter, so that all are blurred, too; the result is rounded. A grey image has one of
    the three scales. level: (L).
    """
    factors = [1 + 0.025 * level[0] * step for step in range(3)]
    versions = torch.stack([
        linear.separable(x, *(linear.spline_zoom(n, factor, x) for n in x.shape[-2:])) for factor in factors
    ])  # fmt: skip
    orders = torch.tensor(list(permutations(range(3))), device=x.device)
    order = orders[torch.randint(len(orders), (len(x),), generator=rng, device=x.device)][:, : x.shape[1]]
    chosen = versions.gather(0, order[None, :, :, None, None].expand(1, *x.shape))[0]
    return ((chosen.clamp(0, 1) * 255).round() + 0.25) / 255  # what follows rounds down


def caustic_refraction(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """x seen through water on which light plays: read where the surface's slope refracts to, and lit. level: (L).

    g is the slope of a caustic field; refraction (eta 4) moves by 0.05 L S, and 0.2 L (g_row - g_column) is added.
    """
    size = min(x.shape[-2:])
    field = linear.gaussian_blur(_caustics(x, rng), 1.0, border="reflect")
    padded = torch.nn.functional.pad(field, (1, 1, 1, 1))
    down, right = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    upright = 1 / (down**2 + right**2 + 1).sqrt()
    inside = (1 - (1 - upright**2) / 16).sqrt()
    tilt = torch.where(upright < 0.999, upright * (inside - upright / 4), 0) * (0.05 * level[0] * size)
    columns, rows = linear.pixel_grid(x)
    across, along = ((tilt * slope * 1000).round() / 1000 for slope in (right, down))
    seen = linear.sample(x, columns + across, rows + along, outside="zeros")
    return seen + 0.2 * level[0] * (down - right)[:, None]


def _caustics(x: Tensor, rng: Generator) -> Tensor:
    """Returns light on the ground of water, (B, H, W) in [0, 1]."""
    time = linear.uniform(x, 0.5, 2, rng).view(-1, 1, 1)
    depth = (linear.uniform(x, 0.75, 1.25, rng) * min(x.shape[-2:])).view(-1, 1, 1)
    columns, rows = linear.pixel_grid(x)
    first, second = (2 * math.pi * (place / depth).remainder(1) - 250 for place in (rows, columns))
    a, b, light = first, second, torch.ones_like(first)
    for n in range(1, _BENT + 1):
        t = time * (1 - 3.5 / n)
        a, b = first + (t - a).cos() + (t + b).sin(), second + (t - b).sin() + (t + a).cos()
        light = light + 1 / (0.005 * ((first / (a + t).sin()) ** 2 + (second / (b + t).cos()) ** 2).sqrt())
    return ((1.17 - (light / _BENT) ** 1.4).abs() ** 8).clamp(0, 1)


CORRUPTIONS = (
    Corruption("circular_motion_blur", "blur", circular_motion_blur, strengths((2.8, 3.6, 4.4, 5.2, 6))),
    Corruption("pinch_and_twirl", "geometric", pinch_and_twirl, strengths((5.5, 6, 6.5, 8.5, 10))),
    Corruption("ripple", "geometric", ripple, strengths((5.5, 6, 6.5, 7.5, 8))),
    Corruption(
        "transverse_chromatic_abberation", "digital", transverse_chromatic_abberation, strengths((1, 2, 5, 9, 10))
    ),
    Corruption("caustic_refraction", "geometric", caustic_refraction, strengths(None, (2.35, 3.2, 4.9, 6.6, 9.15))),
)
