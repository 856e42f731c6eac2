"""Stylised images mixed into the training batches (Rusak et al. 2020, section 4, ANT+SIN)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from study.datasets.core.data import Data, Split


@dataclass(frozen=True)
class Mixed:
    """The split `plain`, with training batches that start with `round(share * size)` images of `stylised`.

    An epoch has as many batches as `plain` alone gives, so it takes a share 1 - `share` of it, and starts
    `stylised` anew whenever that ends. Without `rng` it is `plain`.
    """

    plain: Split
    stylised: Split
    share: float

    def __len__(self) -> int:
        return len(self.plain)

    def to(self, device: torch.device) -> "Mixed":
        """Returns the split, both parts of which a dataset's own can do, on another device."""
        parts = {name: getattr(self, name).to(device) for name in ("plain", "stylised")}
        return replace(self, **parts)

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """See `trainers.core.method.Batches.batches`."""
        size = min(size, len(self.plain))
        # No more than there are: batches are full, and a smaller one would come short every time.
        count = min(round(self.share * size), len(self.stylised), size - 1)
        if rng is None or count == 0:
            yield from self.plain.batches(size, rng)
            return
        pairs = zip(self._endless(count, rng), self.plain.batches(size - count, rng), strict=False)
        for _, ((style_x, style_y), (x, y)) in zip(range(len(self) // size), pairs, strict=False):
            yield torch.cat([style_x, x]), torch.cat([style_y, y])

    def _endless(self, count: int, rng: Generator) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self.stylised.batches(count, rng)


def with_stylised(data: Data, stylised: Split, share: float, content: bytes) -> Data:
    """Returns the dataset with a share of stylised images in each training batch.

    content: what identifies the stylised images; the new fingerprint covers it and the old fingerprint.
    """
    digest = hashlib.sha256(data.fingerprint.encode() + content).hexdigest()[:16]
    return replace(data, train=Mixed(data.train, stylised, share), fingerprint=digest)
