"""Perturbation sequences that move an image's pixels; see `study.evaluation.core.perturbations`."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from study.evaluation.core.sequence_levels import FRAMES, levels_of


def warp(x: Tensor, maps: Tensor) -> Tensor:
    """Returns frames (B, F, C, H, W): frame f at pixel p shows x at maps[f] p, bilinearly, black outside.

    maps (F, 3, 3) are homographies on homogeneous pixel coordinates (right, down, 1) from the image's centre.
    """
    count, channels, height, width = x.shape
    half = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=x.device)
    down, right = torch.meshgrid(
        torch.arange(height, device=x.device) - half[1],
        torch.arange(width, device=x.device) - half[0],
        indexing="ij",
    )
    places = torch.stack([right, down, torch.ones_like(right)], -1)
    sources = torch.einsum("fij,hwj->fhwi", maps.to(places), places)
    grid = sources[..., :2] / sources[..., 2:] / half
    # One sampling grid serves all images of a frame, so images go where grid_sample expects channels.
    flat = x.reshape(1, count * channels, height, width).expand(len(maps), -1, -1, -1)
    warped = F.grid_sample(flat, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
    return warped.view(len(maps), count, channels, height, width).transpose(0, 1)


def translate(x: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """Moves the image to the right by whole pixels, one more each frame."""
    first, last = levels_of(x).shift
    shifts = torch.arange(first, last + 1, device=x.device)
    maps = torch.eye(3, device=x.device).repeat(len(shifts), 1, 1)
    maps[:, 0, 2] = -shifts
    return warp(x, maps)


def rotate(x: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """Turns the image clockwise about its centre, from -15 to 15 degrees by one."""
    angles = torch.linspace(-15, 15, FRAMES, device=x.device).deg2rad()
    return warp(x, _turn(angles, 0, 1).transpose(1, 2))


def tilt(x: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """Tilts the image's plane about both of its axes alike, seen from a distance f = sqrt(H^2 + W^2).

    A point (u, v) from pixel (W / 2, H / 2), right and down, turns to q = R_x R_y (u, v, 1) and is seen at f (q_1, q_2)
    / (f + q_3). R_x takes v towards the depth and R_y takes u towards it, by the same angle. So positive angles bring
    the upper left corner nearer, and the middle frame (0 degrees) is the image shrunk by f / (f + 1), as published.
    """
    angles = (torch.linspace(-15, 15, FRAMES, device=x.device) * levels_of(x).tilt).deg2rad()
    turns = _turn(angles, 1, 2) @ _turn(angles, 0, 2)
    distance = math.hypot(*x.shape[-2:])
    forward = torch.cat([turns[:, :2] * distance, turns[:, 2:]], 1)
    forward[:, 2, 2] += distance
    corner = torch.eye(3, device=x.device)
    corner[:2, 2] = 0.5  # pixel (W / 2, H / 2) from the image's centre
    return warp(x, corner @ torch.linalg.inv(corner @ forward))


def scale(x: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """Magnifies the image about its centre, a step more each frame."""
    first, step = levels_of(x).scale
    return _magnified(x, first + step * torch.arange(FRAMES, device=x.device))


def zoom_blur(x: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """Frame f is the mean of the image magnified by 1, 1.004, ..., 1 + 0.004 f."""
    zoomed = _magnified(x, 1 + 0.004 * torch.arange(FRAMES, device=x.device))
    return zoomed.cumsum(1) / torch.arange(1, FRAMES + 1, device=x.device).view(1, -1, 1, 1, 1)


def _magnified(x: Tensor, factors: Tensor) -> Tensor:
    ones = torch.ones_like(factors)
    return warp(x, torch.diag_embed(torch.stack([1 / factors, 1 / factors, ones], -1)))


def _turn(angles: Tensor, first: int, second: int) -> Tensor:
    """Returns (F, 3, 3) rotations by the angles that take axis `first` towards axis `second`."""
    turns = torch.eye(3, device=angles.device).repeat(len(angles), 1, 1)
    turns[:, first, first] = turns[:, second, second] = angles.cos()
    turns[:, second, first] = angles.sin()
    turns[:, first, second] = -angles.sin()
    return turns
