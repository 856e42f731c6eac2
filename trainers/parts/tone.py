"""Tone operators on 8-bit images (N, C, H, W); all return new ones.

All four equal Pillow's ImageOps on uint8 exactly.
"""

import torch
from torch import Tensor


def posterize(x: Tensor, bits: Tensor) -> Tensor:
    """Returns x with the `bits` highest bits of each value; bits (N,), integers from 1 to 8; 8 is the
    identity."""
    dropped = torch.ones_like(bits) << (8 - bits)
    return x & (256 - dropped).to(torch.uint8).view(-1, 1, 1, 1)


def solarize(x: Tensor, threshold: Tensor) -> Tensor:
    """Returns x with values >= threshold inverted; threshold (N,), integers from 0 to 256; 256 is the
    identity."""
    threshold = threshold.view(-1, 1, 1, 1)
    # 256 is no 8-bit value: there the value 255 is reached, and inverted by no bit.
    bits = (threshold < 256).to(torch.uint8) * 255
    return (x >= threshold.clamp(max=255).to(torch.uint8)).to(torch.uint8).mul_(bits).bitwise_xor_(x)


def autocontrast(x: Tensor) -> Tensor:
    """Returns x with each image's channels stretched to [0, 255].

    int(v * s - low * s), s = 255 / (high - low), in double precision as Pillow does it: the cut to an
    integer makes the last bit matter. A channel of one value stays as it is.
    """
    low, high = (each.double()[..., None] for each in (x.flatten(2).amin(2), x.flatten(2).amax(2)))
    spread = (high - low).clamp(min=1)
    # A tensor divided, as `255 / tensor` would round twice (it multiplies by the reciprocal).
    scale = torch.full_like(spread, 255) / spread
    values = torch.arange(256, device=x.device)
    table = torch.where(high > low, values * scale - low * scale, values)
    return table.clamp_(0, 255).to(torch.uint8).gather(2, x.flatten(2).long()).view_as(x)


def equalize(x: Tensor) -> Tensor:
    """Returns x with each image's channels equalized.

    A value v becomes (s // 2 + pixels below v) // s, at most 255, with s = (pixels - pixels of the highest
    value) // 255. The identity where s is 0.
    """
    values = x.flatten(2).long()
    counts = torch.zeros((*x.shape[:2], 256), dtype=torch.int32, device=x.device)
    counts.scatter_add_(2, values, counts.new_ones(values.shape[2]).expand_as(values))
    highest = x.flatten(2).amax(2, keepdim=True).long()
    step = (values.shape[2] - counts.gather(2, highest)) // 255
    safe = step.clamp(min=1)
    below = counts.cumsum(2, dtype=torch.int32) - counts
    # Whole numbers divided in double precision and cut: the same as //, and vectorised.
    flat = ((safe // 2 + below).double() / safe).clamp_(max=255).to(torch.uint8)
    identity = torch.arange(256, dtype=torch.uint8, device=x.device)
    return torch.where(step > 0, flat, identity).gather(2, values).view_as(x)
