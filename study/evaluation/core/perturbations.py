"""Perturbation sequences of any images, in the manner of ImageNet-P and CIFAR-10-P.

A perturbation takes images (B, C, H, W) in [0, 1] and returns frames (B, F, C, H, W) in [0, 1], all F at
once. The first frame of a noise sequence is the clean image; the middle frame (index 15) of rotate, tilt,
brightness and of CIFAR's scale is, too. Levels are those of CIFAR-10-P below 128 pixels and of ImageNet-P
from there on (Hendrycks & Dietterich, 2019, and its code). Unlike in the published files, frames are not
rounded to 8 bits nor compressed as video, what a shift uncovers is black, and a tilt by 0 is exactly the
identity.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

FRAMES = 31


class Levels(NamedTuple):
    """How much changes from frame to frame."""

    sigma: float
    """Standard deviation of Gaussian noise."""
    photons: float
    """Poisson events at intensity 1; fewer are noisier."""
    brightness: float
    """Step of the value channel (of HSV), 15 steps down to 15 up."""
    shift: tuple[int, int]
    """First and last translation to the right, in pixels, in steps of one."""
    tilt: float
    """Step of both tilt angles in degrees, 15 steps either way."""
    scale: tuple[float, float]
    """First magnification and its step."""


SMALL = Levels(0.02, 700, 0.015, (-7, 8), 0.75, (0.7, 0.02))
LARGE = Levels(0.03, 300, 0.02, (-20, 20), 1.0, (0.4, 0.025))


def levels_of(x: Tensor) -> Levels:
    """Returns the levels for images of x's size."""
    return LARGE if min(x.shape[-2:]) >= 128 else SMALL


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


def gaussian_noise(x: Tensor, rng: Generator) -> Tensor:
    """x, then clip(x + N(0, sigma^2)), drawn anew for each of 30 frames."""
    frames = x[:, None].expand(-1, FRAMES - 1, -1, -1, -1)
    noise = torch.randn(frames.shape, generator=rng, device=x.device, dtype=x.dtype)
    return torch.cat([x[:, None], (frames + levels_of(x).sigma * noise).clamp(0, 1)], 1)


def shot_noise(x: Tensor, rng: Generator) -> Tensor:
    """x, then clip(Poisson(x * photons) / photons), drawn anew for each of 30 frames."""
    photons = levels_of(x).photons
    frames = x[:, None].expand(-1, FRAMES - 1, -1, -1, -1)
    return torch.cat([x[:, None], (torch.poisson(frames * photons, generator=rng) / photons).clamp(0, 1)], 1)


def brightness(x: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """HSV with value v = max over channels moved to clip(v + c), c from -15 to 15 steps; black turns grey."""
    steps = torch.linspace(-15, 15, FRAMES, device=x.device) * levels_of(x).brightness
    value = x.amax(1, keepdim=True)[:, None]
    moved = (value + steps.view(1, -1, 1, 1, 1)).clamp(0, 1)
    return torch.where(value > 0, x[:, None] / value.clamp_min(1e-12) * moved, moved)


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

    A point (u, v, 0) turns to q = R_x R_y (u, v, 0) and is seen at f (q_1, q_2) / (f + q_3).
    """
    angles = (torch.linspace(-15, 15, FRAMES, device=x.device) * levels_of(x).tilt).deg2rad()
    turns = _turn(angles, 1, 2) @ _turn(angles, 2, 0)
    distance = math.hypot(*x.shape[-2:])
    forward = torch.cat([turns[:, :2] * distance, turns[:, 2:]], 1)
    forward[:, :, 2] = torch.tensor([0.0, 0.0, distance], device=x.device)
    return warp(x, torch.linalg.inv(forward))


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


PERTURBATIONS: Mapping[str, Callable[[Tensor, Generator], Tensor]] = {
    f.__name__: f for f in (gaussian_noise, shot_noise, zoom_blur, brightness, translate, rotate, tilt, scale)
}
