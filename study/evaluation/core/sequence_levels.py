"""How much changes from frame to frame in perturbation sequences: CIFAR-10-P's levels and ImageNet-P's."""

from typing import NamedTuple

from torch import Tensor

FRAMES = 31
"""Frames of most sequences; translate has 16 or 41, motion blur 21 or 31."""


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
    smear: tuple[float, float]
    """Radius and sigma of motion blur, in pixels."""
    turn: tuple[float, float, int]
    """First angle of motion blur and its step, in degrees, and the number of frames."""
    flakes: tuple[float, float, float]
    """Magnification of snow's layer, and radius and sigma of its motion blur, in pixels."""


SMALL = Levels(0.02, 700, 0.015, (-7, 8), 0.75, (0.7, 0.02), (6, 1.8), (-180, 9, 21), (2, 10, 2))
LARGE = Levels(0.03, 300, 0.02, (-20, 20), 1.0, (0.4, 0.025), (10, 3), (-120, 4, 31), (3, 14, 4))


def levels_of(x: Tensor) -> Levels:
    """Returns the levels for images of x's size."""
    return LARGE if min(x.shape[-2:]) >= 128 else SMALL
