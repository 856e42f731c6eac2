"""Tone operators on 8-bit images: each is a table of 256 entries per image and channel, looked up once.

All four equal Pillow's ImageOps on uint8 exactly. Images are (N, C, H, W) uint8; nothing writes its input.
"""

import torch
from torch import Tensor


def look_up(x: Tensor, table: Tensor) -> Tensor:
    """Returns table[n, c, x[n, c, h, w]]: x (N, C, H, W) uint8, table (N, C, 256) uint8."""
    return table.gather(2, x.flatten(2).long()).view_as(x)


def histogram(x: Tensor) -> Tensor:
    """Returns how often each value occurs, (N, C, 256) int32, in x (N, C, H, W) uint8."""
    values = x.flatten(2).long()
    counts = torch.zeros((*x.shape[:2], 256), dtype=torch.int32, device=x.device)
    return counts.scatter_add_(2, values, counts.new_ones(()).expand_as(values))


def posterize_table(bits: Tensor, channels: int) -> Tensor:
    """Returns the table that keeps the `bits` (N,) highest bits, integers from 1 to 8; 8 is the identity."""
    dropped = (8 - bits).view(-1, 1, 1)
    values = torch.arange(256, device=bits.device)
    return ((values >> dropped) << dropped).to(torch.uint8).expand(-1, channels, -1)


def solarize_table(threshold: Tensor, channels: int) -> Tensor:
    """Returns the table that inverts values >= threshold (N,), integers from 0 to 256; 256 is the
    identity."""
    values = torch.arange(256, device=threshold.device)
    table = torch.where(values < threshold.view(-1, 1, 1), values, 255 - values)
    return table.to(torch.uint8).expand(-1, channels, -1)


def autocontrast_table(counts: Tensor) -> Tensor:
    """Returns the table that stretches each channel's range to [0, 255]; of histograms (N, C, 256).

    int(v * s - low * s), s = 255 / (high - low), in double precision as Pillow does it: the cut to an
    integer makes the last bit matter. A channel of one value stays as it is.
    """
    values = torch.arange(256, device=counts.device)
    occupied = counts > 0
    high = (occupied * values).amax(2, keepdim=True)
    low = 255 - (occupied * (255 - values)).amax(2, keepdim=True)
    # A tensor divided, as `255 / tensor` would round twice (it multiplies by the reciprocal).
    scale = torch.full_like(high, 255, dtype=torch.float64) / (high - low)
    stretched = (values * scale + -low * scale).clamp(0, 255)
    return torch.where(high > low, stretched, values.double()).to(torch.uint8)


def equalize_table(counts: Tensor) -> Tensor:
    """Returns the table that flattens each channel's histogram (N, C, 256).

    With s = (pixels - pixels of the highest value) // 255: (s // 2 + pixels below v) // s, at most 255. The
    identity where s is 0.
    """
    values = torch.arange(256, device=counts.device)
    high = ((counts > 0) * values).amax(2, keepdim=True)
    up_to = counts.cumsum(2)
    step = (up_to[..., -1:] - counts.gather(2, high)) // 255
    safe = step.clamp(min=1)
    flat = ((safe // 2 + up_to - counts) // safe).clamp(max=255)
    return torch.where(step > 0, flat, values).to(torch.uint8)


def posterize(x: Tensor, bits: Tensor) -> Tensor:
    """Returns x with the `bits` (N,) highest bits of each value; 8 is the identity."""
    return look_up(x, posterize_table(bits, x.shape[1]))


def solarize(x: Tensor, threshold: Tensor) -> Tensor:
    """Returns x with values >= threshold (N,) inverted; 256 is the identity."""
    return look_up(x, solarize_table(threshold, x.shape[1]))


def autocontrast(x: Tensor) -> Tensor:
    """Returns x with each image's channels stretched to [0, 255]."""
    return look_up(x, autocontrast_table(histogram(x)))


def equalize(x: Tensor) -> Tensor:
    """Returns x with each image's channels equalized."""
    return look_up(x, equalize_table(histogram(x)))
