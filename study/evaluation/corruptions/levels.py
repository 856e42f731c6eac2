"""Severity levels: the published constants, and one rule that carries them to any image size.

Published sets exist at three sizes: MNIST-C at 28 px (one channel), CIFAR-10-C at 32 px and ImageNet-C at 224
px. With s the shorter side of the image in pixels:

- one channel takes MNIST-C's levels up to 28 px, three channels take CIFAR-10-C's up to 32 px, and both take
  ImageNet-C's from 224 px on; a corruption published at one size only has that one anchor for every image;
- between two anchors a < s < b every parameter follows the power law through both published values,
  v(s) = v_a * (v_b / v_a) ** (log(s / a) / log(b / a)), or the straight line in log s where either value is
  0;
- outside the anchors amplitudes (noise, contrast, quality, angles) stay, and lengths (radii, blur sigmas,
  displacements: anything in pixels) are multiplied by s / anchor. Below the smallest anchor the first pixels
  of a length, up to its `floor`, do not shrink, for no blur is seen below them: v' = m + (v - m) * s /
  anchor, where m = min(v, floor). So severities keep their order at any size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Level = tuple[float, ...]
"""The parameters of one severity, in the order the corruption's operator documents."""
Table = Sequence[Level]
"""Five levels, severity 1 first."""

MNIST, CIFAR, IMAGENET = 28, 32, 224
"""Sides of the published images, in pixels."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """A corruption's published levels.

    floors: one entry a parameter: None for an amplitude; for a length, the pixels of it that never shrink.
    mnist, cifar, imagenet: the tables at 28, 32 and 224 px. MNIST-C uses ImageNet-C's numbers at 28 px, so
    `mnist` is given only where it differs.
    """

    floors: tuple[float | None, ...]
    mnist: Table | None = None
    cifar: Table | None = None
    imagenet: Table | None = None

    def at(self, severity: int, channels: int, size: int) -> Level:
        """Returns the parameters of a severity (1..5) for images of `channels` (1 or 3) and shorter side
        `size` px.
        """
        small = (MNIST, self.mnist or self.imagenet) if channels == 1 else (CIFAR, self.cifar)
        anchors = [(side, table[severity - 1]) for side, table in (small, (IMAGENET, self.imagenet)) if table]
        if not anchors and self.mnist:
            anchors = [(MNIST, self.mnist[severity - 1])]
        (first, low), (last, high) = anchors[0], anchors[-1]
        if size <= first:
            return self._scaled(low, size / first)
        if size >= last:
            return self._scaled(high, size / last)
        share = math.log(size / first) / math.log(last / first)
        return tuple(_between(a, b, share) for a, b in zip(low, high, strict=True))

    def _scaled(self, level: Level, ratio: float) -> Level:
        return tuple(
            value if floor is None else _length(value, floor, ratio)
            for value, floor in zip(level, self.floors, strict=True)
        )


def _length(value: float, floor: float, ratio: float) -> float:
    least = min(value, floor) if ratio < 1 else 0.0
    return least + (value - least) * ratio


def _between(low: float, high: float, share: float) -> float:
    if low <= 0 or high <= 0:
        return low + (high - low) * share
    return float(low ** (1 - share) * high**share)


def strengths(cifar: Sequence[float] | None = None, imagenet: Sequence[float] | None = None) -> Levels:
    """Returns the levels of a corruption of C-bar, whose one parameter is no length: five at CIFAR's size, of one
    channel too, and five at ImageNet's.
    """
    small, large = (column(*values) if values else None for values in (cifar, imagenet))
    return Levels(floors=(None,), mnist=small, cifar=small, imagenet=large)


def column(*values: float) -> tuple[Level, ...]:
    """Returns the table of a corruption with one parameter."""
    return tuple((value,) for value in values)
