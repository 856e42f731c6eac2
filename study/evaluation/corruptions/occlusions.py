"""What C-bar (Mintun et al. 2021) puts over an image: squares, flares and lines. S is the image's shorter side."""

import math

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions import linear
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, strengths

GREY = 128 / 255
_CELLS = 40
"""Cells along a side of the largest board."""
_RAYS = (50, 200)
"""Rays of a flare: at least, and one more than at most."""
_FLARES = 5


def checkerboard_cutout(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Grey in every second cell of a turned board, where it is switched on with probability L / 10. level: (L).

    The angle is U(0, 2 pi), the cell's side max(1, U(0.1, 0.25) S) pixels.
    """
    size = min(x.shape[-2:])
    angle, share = linear.uniform(x, 0, 2 * math.pi, rng).view(-1, 1, 1), linear.uniform(x, 0.1, 0.25, rng)
    side = (share * size).clamp_min(1).view(-1, 1, 1)
    on = torch.rand((len(x), _CELLS**2), generator=rng, device=x.device) < level[0] / 10
    columns, rows = linear.pixel_grid(x)
    first = (angle.cos() * rows - angle.sin() * columns) / side
    second = (angle.sin() * rows + angle.cos() * columns) / side
    cells = (4 * size / side).floor().clamp_max(_CELLS)
    # A cell's number is cut towards 0, and negative ones count from the board's other end.
    places = [n.trunc().remainder(cells).long() for n in (first, second)]
    number = (places[0] * _CELLS + places[1]).flatten(1)
    covered = on.gather(1, number).view_as(first) & (first.remainder(2).floor() == second.remainder(2).floor())
    return torch.where(covered[:, None], GREY, x)


def sparkles(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """Five flares, white in their middle, one after another. level: (L).

    Each has its centre at U(0, S)^2 and rays of max(1, 0.01 L S (1 + N(0, 1) / 4)) pixels.
    """
    size = min(x.shape[-2:])
    for _ in range(_FLARES):
        centre = [linear.uniform(x, 0, size, rng) for _ in range(2)]
        rays = (0.01 * level[0] * size * (1 + 0.25 * _normal(x, rng))).clamp_min(1)
        distance, length, fade = _flare(x, centre, rays, rng)
        weight = (fade * length**2 / (distance**2 + 1e-4)).clamp(0, 1)
        x = x + weight[:, None] * (1 - x)
    return x


def inverse_sparkles(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """One flare in whose middle the image is left, white around it. level: (L).

    Its centre is at U(1/4, 3/4)^2 S, its rays are S / 4 (1 + N(0, 1) / 4) pixels.
    """
    size = min(x.shape[-2:])
    centre = [linear.uniform(x, size / 4, 3 * size / 4, rng) for _ in range(2)]
    distance, length, fade = _flare(x, centre, size / 4 * (1 + 0.25 * _normal(x, rng)), rng)
    weight = (fade * (length**2 / (distance**2 + 1e-4)) ** (0.13 * level[0])).clamp(0, 1)
    return 1 + weight[:, None] * (x - 1)


def _flare(x: Tensor, centre: list[Tensor], rays: Tensor, rng: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the distance of each pixel (B, H, W) to the centre, the length of the rays towards it, interpolated
    between the two nearest, and the fading between them.

    centre: row and column, (B,) each. rays: (B, R) lengths, of which an image has 50 to 199 at random.
    """
    columns, rows = linear.pixel_grid(x)
    down, right = rows - centre[0].view(-1, 1, 1), columns - centre[1].view(-1, 1, 1)
    count = torch.randint(*_RAYS, (len(x), 1, 1), generator=rng, device=x.device)
    turn = (torch.atan2(right, down) + math.pi) / (2 * math.pi) * count
    share = turn - turn.floor()
    before, after = ((turn.floor().long() + step) % count for step in (0, 1))
    shorter, longer = (rays.gather(1, each.flatten(1)).view_as(turn) for each in (before, after))
    return (down**2 + right**2).sqrt(), torch.lerp(shorter, longer, share), 1 - (share - 0.5) ** 2


def _normal(x: Tensor, rng: Generator) -> Tensor:
    return torch.randn((len(x), _RAYS[1]), generator=rng, device=x.device, dtype=x.dtype)


def lines(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """int(0.1 L S) grey lines (at least one) of one pixel's width, anti-aliased, all about the same way. level: (L).

    Each goes through a point U(0, S)^2, S pixels to either side, at an angle base + 2 pi v (U - 1/2), v ~ U(0.1, 1) of
    the image. After each, pixels are whole numbers of 255 again.
    """
    size = min(x.shape[-2:])
    base, spread = linear.uniform(x, 0, 2 * math.pi, rng), linear.uniform(x, 0.1, 1, rng)
    for _ in range(max(1, int(0.1 * level[0] * size))):
        middle = [linear.uniform(x, 0, size, rng) for _ in range(2)]
        angle = base + 2 * math.pi * spread * linear.uniform(x, -0.5, 0.5, rng)
        reach = size * torch.stack([angle.cos(), angle.sin()])
        start, end = (torch.stack(middle) + sign * reach for sign in (-1, 1))
        cover = _line(x, start.trunc(), end.trunc())[:, None]
        x = ((x * (1 - cover) + GREY * cover) * 255 + 1e-3).floor() / 255
    return x


def _line(x: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Returns how much of each pixel (B, H, W) a line covers, in Wu's way: the two nearest along its steeper axis.

    start, end: (2, B) rows and columns, whole numbers.
    """
    columns, rows = linear.pixel_grid(x)
    way = end - start
    steep = (way[0].abs() > way[1].abs()).view(-1, 1, 1)
    (start_row, start_column), (down, right) = (each.view(2, -1, 1, 1) for each in (start, way))
    along = torch.where(steep, rows - start_row, columns - start_column)
    across = torch.where(steep, columns - start_column, rows - start_row)
    length, rise = torch.where(steep, down, right), torch.where(steep, right, down)
    share = along / torch.where(length == 0, 1, length)
    inside = (share >= 0) & (share <= 1) & (length != 0)
    return torch.where(inside, (1 - (across - share * rise).abs()).clamp_min(0), 0)


CORRUPTIONS = (
    Corruption("checkerboard_cutout", "occlusion", checkerboard_cutout, strengths((1, 2, 3, 4, 5), (2, 3, 4, 5, 6))),
    Corruption("inverse_sparkles", "occlusion", inverse_sparkles, strengths((1, 1.5, 2.5, 4.5, 5), (1, 2, 4, 9, 10))),
    Corruption("sparkles", "occlusion", sparkles, strengths((0.7, 3.5, 5.6, 6.3, 7), (1, 2, 3, 5, 6))),
    Corruption("lines", "occlusion", lines, strengths((0.5, 1, 1.5, 2, 2.5))),
)
