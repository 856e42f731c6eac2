"""A whole split under one corruption, the same wherever and in whatever order it is made."""

from zlib import crc32

import torch
from torch import Tensor

from study.evaluation.corruptions.catalog import corrupt
from trainers.core.method import generator


@torch.no_grad()
def corrupted(images: Tensor, name: str, severity: int, *, seed: int, chunk: int = 250) -> Tensor:
    """Returns the images under a corruption, as uint8 like the published sets; rounded down, as those are.

    images: (N, C, H, W) uint8, whose device is the device of the work. Each chunk of images draws from a
    generator of its own, seeded by (seed, name, severity, chunk index): the result depends neither on the
    order of calls nor on which other corruptions ran. Memory beyond the result is that of one chunk.
    """
    out = torch.empty_like(images)
    for index, start in enumerate(range(0, len(images), chunk)):
        rng = generator(images.device, seed, crc32(name.encode()), severity, index)
        x = images[start : start + chunk].float().div_(255)
        out[start : start + chunk] = corrupt(x, name, severity, rng).mul_(255).to(torch.uint8)
    return out
