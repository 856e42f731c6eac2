"""Boxes inside images, as masks."""

import torch
from torch import Generator, Tensor


def box(tall: Tensor, wide: Tensor, height: int, width: int, rng: Generator) -> Tensor:
    """Returns masks (N, 1, height, width), True inside a box of tall (N,) by wide (N,) whole pixels.

    The box's middle is a pixel drawn uniformly (for an even side, the one after its middle); what sticks out
    is cut off.
    """
    centre = torch.rand((2, len(tall), 1), generator=rng, device=rng.device)
    rows = _span(centre[0], tall[:, None], height)
    columns = _span(centre[1], wide[:, None], width)
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _span(centre: Tensor, side: Tensor, size: int) -> Tensor:
    start = (centre * size).floor() - (side / 2).floor()
    pixels = torch.arange(size, device=centre.device)
    return (pixels >= start) & (pixels < start + side)
