"""Perturbation sequences of any images, in the manner of ImageNet-P and CIFAR-10-P.

A perturbation takes images (B, C, H, W) in [0, 1] and returns frames (B, F, C, H, W) in [0, 1], all F at
once. The first frame of a noise sequence is the clean image; the middle frame (index 15) of rotate, brightness
and of CIFAR's scale is, too; no frame of motion_blur and snow is. Levels are those of CIFAR-10-P below 128 pixels
and of ImageNet-P from there on (Hendrycks & Dietterich, 2019, and its code). Unlike in the published files, frames
are not rounded to 8 bits nor compressed as video, and what a shift uncovers is black also on large images.

These are the ten of the paper, of the code that made the files and of AugMix's and NoisyMix's tables. The published
script that evaluates CIFAR-10-P has `spatter` in the place of `snow`; a mean flip probability by that script is
another number.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Generator, Tensor

from study.evaluation.core.moved_frames import rotate, scale, tilt, translate, zoom_blur
from study.evaluation.core.sequence_levels import FRAMES, levels_of
from study.evaluation.corruptions import linear
from study.evaluation.corruptions.weather import luminance


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


def motion_blur(x: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """Smears the image one way (`linear.motion_blur`), along a direction that turns a step each frame."""
    first, step, frames = levels_of(x).turn
    return _smeared(x, levels_of(x).smear, first + step * torch.arange(frames, device=x.device))


def snow(x: Tensor, rng: Generator) -> Tensor:
    """Whitened image plus flakes, whose direction turns from -150 to -30 degrees by 4.

    clip(z + s_f + s_f turned by 180 degrees), z = 0.85 x + 0.15 max(x, 1.5 grey(x) + 0.5), s_f = the layer smeared
    along frame f's direction. Layer: N(0.05, 0.3) at each pixel, magnified, below 0.5 set to 0, cut to 8 bits; one an
    image.
    """
    zoom, radius, sigma = levels_of(x).flakes
    layer = torch.empty_like(x[:, :1]).normal_(0.05, 0.3, generator=rng)
    layer = linear.separable(layer, *(linear.zoom_matrix(n, zoom, x, least=1) for n in x.shape[-2:]))
    layer = (torch.where(layer < 0.5, 0.0, layer).clamp_(0, 1) * 255).floor_() / 255
    flakes = _smeared(layer, (radius, sigma), torch.arange(-150, -29, 4, device=x.device))
    white = 0.85 * x + 0.15 * torch.maximum(x, luminance(x) * 1.5 + 0.5)
    return (white[:, None] + flakes + flakes.flip(3, 4)).clamp_(0, 1)


def _smeared(x: Tensor, smear: tuple[float, float], angles: Tensor) -> Tensor:
    """Returns (B, F, C, H, W): images x (B, C, H, W), each smeared along all angles (F,) in degrees."""
    frames = x.repeat_interleave(len(angles), 0)
    smeared = linear.motion_blur(frames, *smear, angles.to(x.dtype).repeat(len(x)))
    return smeared.view(len(x), len(angles), *x.shape[1:])


PERTURBATIONS: Mapping[str, Callable[[Tensor, Generator], Tensor]] = {
    f.__name__: f
    for f in (
        *(gaussian_noise, shot_noise, motion_blur, zoom_blur, snow),
        *(brightness, translate, rotate, tilt, scale),
    )
}
"""Name -> perturbation, in the published order."""
