"""A whole split under one corruption, the same wherever and in whatever order it is made."""

from collections.abc import Iterable, Iterator
from zlib import crc32

import torch
from torch import Tensor

from study.evaluation.corruptions.catalog import SEVERITIES, corrupt
from trainers.core.method import generator

CHUNK = 250
"""Images that are corrupted at a time, from one generator."""


def corrupted(images: Tensor, name: str, severity: int, *, seed: int, chunk: int = CHUNK) -> Tensor:
    """Returns the images under a corruption, as uint8 like the published sets; rounded down, as those are.

    images: (N, C, H, W) uint8, whose device is the device of the work. Each chunk of images draws from a
    generator of its own, seeded by (seed, name, severity, chunk index): the result depends neither on the
    order of calls nor on which other corruptions ran. Memory beyond the result is that of one chunk.
    """
    chunks = (images[start : start + chunk] for start in range(0, len(images), chunk))
    out, done = torch.empty_like(images), 0
    for batch in corrupted_chunks(chunks, name, severity, seed=seed):
        out[done : done + len(batch)] = batch
        done += len(batch)
    return out


def at_all_severities(images: Tensor, name: str, *, seed: int) -> Tensor:
    """Returns images (N, C, H, W) uint8 as they are, then under a corruption at severities 1 to 5: (6, N, C, H, W)."""
    return torch.stack([images, *(corrupted(images, name, severity, seed=seed) for severity in SEVERITIES)])


@torch.no_grad()
def corrupted_chunks(chunks: Iterable[Tensor], name: str, severity: int, *, seed: int) -> Iterator[Tensor]:
    """Yields each chunk of images (B, C, H, W) uint8 under a corruption: `corrupted`, for data that does not fit."""
    for index, images in enumerate(chunks):
        rng = generator(images.device, seed, crc32(name.encode()), severity, index)
        yield corrupt(images.float().div_(255), name, severity, rng).mul_(255).to(torch.uint8)
