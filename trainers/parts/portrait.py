"""What a noise generator has learned, as a few arrays that a figure is drawn from."""

import math

import torch
from torch import Generator, Tensor

from trainers.parts.adversary import Adversary
from trainers.parts.projection import project

BINS, EXTENT = 64, 4.0
"""Histograms are of 64 bins over [-4, 4] root mean squares."""
VALUES = 2**16
"""Values of noise in a histogram, at least."""
SNAPSHOTS, SIDE = 12, 28
"""Most past generators that are shown, and the largest side of a patch in pixels."""


def portrait(adversary: Adversary, x: Tensor, epsilon: float, rng: Generator, *, first: int = 0) -> dict[str, Tensor]:
    """Returns arrays for a figure like Rusak et al. 2020, figure 3. Call it under `torch.no_grad`.

    density (S + 1, 64): see `density`; of S past generators, evenly spread, then of the present one.
    density_epoch (S, 1): epochs trained when each past one was stored, one more for each; `first` of the first one.
    clean, noise, noisy (B, C * h * w): central patches of the images x (B, C, H, W), of noise of the present
    generator, and of the images under that noise at L2 norm epsilon. The noise is in units of its root mean
    square. patch (1, 3): their C, h and w.
    """
    many = x.new_empty(math.ceil(VALUES / x[0].numel()), *x.shape[1:])
    count = len(adversary.past)
    shown = torch.linspace(0, count - 1, min(count, SNAPSHOTS)).round().long()
    past = [density(adversary.drawn_by(adversary.past[i], many, rng)) for i in shown.tolist()]
    present = density(adversary.draw(many, rng))
    delta = adversary.draw(x, rng)
    noise = delta / _rms(delta)
    patches = {"clean": x, "noise": noise, "noisy": project(x, delta, epsilon)}
    patches = {name: _centre(images) for name, images in patches.items()}
    return {
        "density": torch.stack([*past, present]),
        "density_epoch": (shown + first)[:, None],
        "patch": torch.tensor([patches["clean"].shape[1:]]),
        **{name: images.flatten(1) for name, images in patches.items()},
    }


def density(noise: Tensor) -> Tensor:
    """Returns (64,), the density of the values of `noise` (any shape, not all 0) over its root mean square.

    Bin i is the interval from -4 + i / 8 to -4 + (i + 1) / 8. What lies outside [-4, 4] is in no bin.
    """
    counts = torch.histc(noise / _rms(noise), BINS, -EXTENT, EXTENT)
    return counts * (BINS / (2 * EXTENT * noise.numel()))


def _rms(noise: Tensor) -> Tensor:
    return noise.square().mean().sqrt()


def _centre(images: Tensor) -> Tensor:
    height, width = (min(side, SIDE) for side in images.shape[2:])
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]
