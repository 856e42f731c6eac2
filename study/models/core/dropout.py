"""Dropout whose randomness is part of the model's state."""

import torch
from torch import Tensor, nn

_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_MIX_64 = (0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)
_MIX_32 = (0x7FEB352D, 0x846CA68B - 2**32)


class Dropout(nn.Module):
    """Sets each element to 0 with probability `rate` while training, and scales the rest by 1 / (1 - rate).

    torch's dropout draws from the global generator, which no checkpoint of a trial holds. Here the mask is a
    hash of (count, element), and count, a buffer, goes up by one with every training pass: so masks are
    resumed, copied and moved with the model, the same on every device, and a pass stays a static program
    without a generator. rate: in [0, 1); 0 is the identity. `initialise` draws where count starts.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.count: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Returns x, masked and scaled while training; counts the pass, and does not write x."""
        if not self.training or self.rate == 0:
            return x
        self.count.add_(1)
        return x * (uniform(self.count, x.shape) >= self.rate) / (1 - self.rate)


def uniform(count: Tensor, shape: torch.Size) -> Tensor:
    """Returns numbers in [0, 1) of `shape`, on a grid of 2^-24, the same for the same count (int64 scalar).

    The count is hashed by splitmix64 (Steele et al. 2014), element i by a 32-bit mixer of two multiplications
    after exclusive-or with that key. Integers wrap, and shifts are made logical by a mask.
    """
    key = count * _GOLDEN
    key = (key ^ _shifted(key, 30, 64)) * _MIX_64[0]
    key = (key ^ _shifted(key, 27, 64)) * _MIX_64[1]
    bits = torch.arange(shape.numel(), dtype=torch.int32, device=count.device) ^ (key >> 32).to(torch.int32)
    bits = (bits ^ _shifted(bits, 16, 32)) * _MIX_32[0]
    bits = (bits ^ _shifted(bits, 15, 32)) * _MIX_32[1]
    return (_shifted(bits, 8, 32).float() * 2**-24).view(shape)


def _shifted(bits: Tensor, by: int, width: int) -> Tensor:
    shifted: Tensor = (bits >> by) & (2 ** (width - by) - 1)
    return shifted
