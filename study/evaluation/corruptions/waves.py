"""Noise of C-bar (Mintun et al. 2021) with a spectrum or a pattern of its own, added to or blended with the image.

Constants are the paper's code's, in units of 255. S is the shorter side of the image; `level` is that code's severity
value, the same length of scale at any S.
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions import linear
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, strengths

_OCTAVES = (1, 2, 4, 8, 16)
"""Frequencies of Perlin noise, over a lattice of seven cells."""
_LATTICE = 7 * _OCTAVES[-1] + 2


def blue_noise_sample(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """0 in all channels where a field of amplitude r is at most 0.3 L - 2.5 of its standard deviations. level: (L)."""
    field = spectral(x, 1, lambda r: r, rng)
    return torch.where(field <= 0.3 * level[0] - 2.5, 0.0, x)


def brownish_noise(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """x + 6.4 L F / 255, F of amplitude 1 / (r^2 + 1), a field of its own for each channel. level: (L)."""
    return x + spectral(x, x.shape[1], lambda r: 1 / (r * r + 1), rng) * (6.4 / 255 * level[0])


def spectral(x: Tensor, channels: int, amplitude: Callable[[Tensor], Tensor], rng: Generator) -> Tensor:
    """Returns random fields (B, channels, H, W) of standard deviation 1 with an amplitude over the distance r from
    frequency 0, on a square grid of the longer side; rectangles are cut from it.
    """
    side = max(x.shape[-2:]) + max(x.shape[-2:]) % 2
    half = torch.rand((len(x), channels, side, side // 2), generator=rng, device=x.device, dtype=x.dtype) * 2 * math.pi
    phase = torch.cat([half, half.flip(2, 3)], 3)
    from_centre = torch.arange(side, device=x.device, dtype=x.dtype) - side / 2
    distance = (from_centre[:, None] ** 2 + from_centre**2).sqrt()
    spectrum = torch.polar(amplitude(distance).expand_as(phase), phase).roll((side // 2, side // 2), (2, 3))
    field: Tensor = torch.fft.ifft2(spectrum).real[:, :, : x.shape[2], : x.shape[3]]
    return field / field.std((2, 3), correction=0, keepdim=True)


def single_frequency_greyscale(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """x + 19.6 L sin(f_x column + f_y row + phase) / 255, the same for all channels. level: (L).

    One of the frequencies is m ~ U(-pi, pi), the other U(-|m|, |m|).
    """
    first, second, phase = (linear.uniform(x, -1, 1, rng) for _ in range(3))
    second = second * first.abs()
    swap = linear.uniform(x, 0, 1, rng) < 0.5
    across, down = torch.where(swap, second, first), torch.where(swap, first, second)
    columns, rows = linear.pixel_grid(x)
    wave = ((_each(across) * columns + _each(down) * rows + _each(phase)) * math.pi).sin()
    return x + wave[:, None] * (19.6 / 255 * level[0])


def cocentric_sine_waves(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """x + 12.8 L (((r + a sin(q angle)) mod w) / w - 1/2) / 255 about a random centre: a sawtooth, in spite of its
    name. level: (L). q ~ U(0, 10), a and w ~ U(0, S / 10).
    """
    size = min(x.shape[-2:])
    columns, rows = linear.pixel_grid(x)
    right, down = columns - _each(linear.uniform(x, 0, size, rng)), rows - _each(linear.uniform(x, 0, size, rng))
    petals = _each(linear.uniform(x, 0, 10, rng))
    depth, width = (_each(linear.uniform(x, 0, size / 10, rng)) for _ in range(2))
    wave = (right**2 + down**2).sqrt() + depth * (petals * torch.atan2(right, down)).sin()
    tooth = wave.remainder(width) / width.clamp_min(1e-6) - 0.5
    return x + tooth[:, None] * (12.8 / 255 * level[0])


def plasma_noise(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """(1 - v) x + v p, v = 6.4 L / 255: waves in [-1, 1] that bend one another in 4 to 6 rounds. level: (L)."""
    columns, rows = linear.pixel_grid(x)
    scale = _each(linear.uniform(x, 0.075, 0.2, rng)) * min(x.shape[-2:])
    across, down = columns / scale, rows / scale
    time, roughness = _each(linear.uniform(x, 0, 6 * math.pi, rng)), _each(linear.uniform(x, 0.5, 1, rng))
    rounds = torch.randint(4, 7, (len(x), 1, 1), generator=rng, device=x.device)
    first, second, third = 1.0, 1.0, torch.ones_like(roughness)
    for number in range(6):
        bend = (down * first + time / second).cos() / third, (across * first + time / second).sin() / third
        bend = bend[0] - 0.3 * bend[1], bend[1] + 0.3 * bend[0]
        across = torch.where(number < rounds, across + bend[0], across)
        down = torch.where(number < rounds, down + bend[1], down)
        first, second, third = first * 1.93, second * 1.15, third * (2.25 - roughness)
    waves = (across - time).sin(), ((across + down + time.sin()) / 2).sin(), (down + time).sin()
    share = 6.4 / 255 * level[0]
    return (1 - share) * x + share * torch.stack(waves[: x.shape[1]], 1)


def perlin_noise(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """(1 - v) x + v clip(t / 2 + 1/2, 0, 1), v = 0.05 L, t the turbulence of Perlin's noise. level: (L)."""
    columns, rows = linear.pixel_grid(x)
    scale = 224 / 32 / min(x.shape[-2:])
    sides = [math.ceil((_LATTICE - 1) * n / min(x.shape[-2:])) + 1 for n in x.shape[-2:]]
    slopes = torch.randint(-256, 256, (len(x), 2, *sides), generator=rng, device=x.device).to(x.dtype)
    slopes = slopes / slopes.norm(dim=1, keepdim=True).clamp_min(1e-6)
    octaves = [_perlin(slopes, columns * scale * f, rows * scale * f).abs() / f for f in _OCTAVES]
    turbulence, share = torch.stack(octaves).sum(0), 0.05 * level[0]
    return (1 - share) * x + share * (0.5 * turbulence + 0.5).clamp(0, 1)[:, None]


def _perlin(slopes: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """Returns Perlin's noise (B, H, W) at places (H, W) of a lattice whose points have slopes (B, 2, N, M)."""
    left, top = columns.floor(), rows.floor()
    across, down = columns - left, rows - top

    def corner(right: int, below: int) -> Tensor:
        at = slopes[:, :, (top + below).long(), (left + right).long()]
        return at[:, 0] * (across - right) + at[:, 1] * (down - below)

    smooth_across, smooth_down = (s * s * (3 - 2 * s) for s in (across, down))
    upper = torch.lerp(corner(0, 0), corner(1, 0), smooth_across)
    lower = torch.lerp(corner(0, 1), corner(1, 1), smooth_across)
    return 1.5 * torch.lerp(upper, lower, smooth_down)


def _each(values: Tensor) -> Tensor:
    """Returns one number an image, (B,), as (B, 1, 1)."""
    return values.view(-1, 1, 1)


CORRUPTIONS = (
    Corruption(
        "blue_noise_sample", "noise", blue_noise_sample, strengths((0.7, 1.4, 2.1, 3.5, 4.2), (0.8, 1.6, 2.4, 4, 5.6))
    ),
    Corruption("brownish_noise", "noise", brownish_noise, strengths((2.5, 4, 5.5, 6.5, 7), (1, 2, 3, 4, 5))),
    Corruption("single_frequency_greyscale", "noise", single_frequency_greyscale, strengths(None, (1, 1.5, 2, 4.5, 5))),
    Corruption("cocentric_sine_waves", "noise", cocentric_sine_waves, strengths(None, (3, 5, 8, 9, 10))),
    Corruption("plasma_noise", "noise", plasma_noise, strengths(None, (4.75, 7, 8.5, 9.25, 10))),
    Corruption("perlin_noise", "noise", perlin_noise, strengths(None, (4.6, 5.2, 5.8, 7.6, 8.8))),
)
