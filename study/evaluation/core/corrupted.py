"""A test split under every corruption of a benchmark; the images are kept for the next trials on the same data."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from study.datasets.core.data import Data, Split, TensorSplit
from study.errors import UserError
from study.evaluation.corruptions.benchmark import corrupted
from study.evaluation.corruptions.catalog import BENCHMARKS, benchmark_for

CACHE_BYTES = 512 * 2**20
"""Most bytes of corrupted test images that a process keeps for its next trials on the same data."""

_Key = tuple[str, str, int, int, str]
_cache: dict[_Key, Tensor] = {}
"""(data's fingerprint, corruption, severity, seed, device) -> uint8 images."""


def known_benchmark(benchmark: str | None, data: Data, where: str) -> str:
    """Returns the benchmark; for None that of the images' shape. Raises UserError for an unknown one.

    where: the metric it was given to, for the message.
    """
    benchmark = benchmark or benchmark_for(data.shape)
    if benchmark not in BENCHMARKS:
        valid = ", ".join(BENCHMARKS)
        raise UserError(f"benchmark {benchmark!r} (from {where}) is unknown. There are: {valid}")
    return benchmark


def corrupted_splits(
    data: Data, benchmark: str, severities: Sequence[int], seed: int
) -> Iterator[tuple[str, int, TensorSplit]]:
    """Yields (corruption, severity, test split under it), corruption by corruption.

    benchmark: a key of `BENCHMARKS`. seed: of the corruptions' draws. Raises UserError for an unknown severity.
    """
    images, labels = _whole(data.test)
    for name in BENCHMARKS[benchmark]:
        for severity in severities:
            key = (data.fingerprint, name, severity, seed, str(images.device))
            yield name, severity, TensorSplit(_corrupted(images, key), labels)


def _corrupted(images: Tensor, key: _Key) -> Tensor:
    """Returns the images under the key's corruption: cached ones, or new ones, which are cached while they fit."""
    if key in _cache:
        return _cache[key]
    _, name, severity, seed, _ = key
    images = corrupted(images, name, severity, seed=seed)
    if sum(cached.numel() for cached in _cache.values()) + images.numel() <= CACHE_BYTES:
        _cache[key] = images
    return images


def _whole(split: Split) -> tuple[Tensor, Tensor]:
    """Returns the split's images as uint8 and its labels."""
    if isinstance(split, TensorSplit):
        return split.images, split.labels
    pairs = [((x * 255).round_().to(torch.uint8), y) for x, y in split.batches(1024)]
    return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])
