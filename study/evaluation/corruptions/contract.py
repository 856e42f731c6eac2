"""What a corruption is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor

from study.evaluation.corruptions.levels import Level, Levels

Family = Literal["noise", "blur", "weather", "digital", "geometric", "stroke", "occlusion"]
Operator = Callable[[Tensor, Level, Generator], Tensor]
"""(images (B, C, H, W) float32 in [0, 1], parameters, generator on their device) -> new images of that shape.

An operator never writes its input, draws anew for each image, and need not clip: `catalog.corrupt` does."""


@dataclass(frozen=True)
class Corruption:
    """A named way to spoil an image, at five published severities."""

    name: str
    family: Family
    apply: Operator
    levels: Levels
