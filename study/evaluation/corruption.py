"""Accuracy on the test split under every corruption and severity of a benchmark."""

from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from study.datasets.core.data import Data, Split, TensorSplit
from study.errors import UserError
from study.evaluation.core.predict import BATCH, accuracies, predict
from study.evaluation.corruptions.benchmark import corrupted
from study.evaluation.corruptions.catalog import BENCHMARKS, SEVERITIES, benchmark_for
from study.evaluation.rows import Row

CACHE_BYTES = 512 * 2**20
"""Most bytes of corrupted test images that a process keeps for its next trials on the same data."""

_Key = tuple[str, str, int, int, str]
_cache: dict[_Key, Tensor] = {}
"""(data's fingerprint, corruption, severity, seed, device) -> uint8 images."""


def measure(
    model: nn.Module,
    data: Data,
    *,
    benchmark: str | None = None,
    seed: int = 0,
    severities: tuple[int, ...] = SEVERITIES,
    batch: Annotated[int, Ge(1)] = BATCH,
) -> list[Row]:
    """Returns accuracy (and top-5 where there are more than 10 classes) for each corruption and severity, as
    fractions.

    benchmark: a key of `BENCHMARKS`; None takes `benchmark_for` the images' shape. seed: of the corruptions'
    draws, not of the trial: the test images are the same for every trial. batch: images a forward pass. The
    model's mode is restored. Raises UserError for an unknown benchmark or severity.
    """
    benchmark = benchmark or benchmark_for(data.shape)
    if benchmark not in BENCHMARKS:
        valid = ", ".join(BENCHMARKS)
        raise UserError(f"benchmark {benchmark!r} (from corruption) is unknown. There are: {valid}")
    images, labels = _whole(data.test)
    rows = []
    for name in BENCHMARKS[benchmark]:
        for severity in severities:
            key = (data.fingerprint, name, severity, seed, str(images.device))
            found = accuracies(*predict(model, TensorSplit(_made(images, key), labels), batch))
            rows += [Row(benchmark, name, severity, metric, value) for metric, value in found.items()]
    return rows


def _made(images: Tensor, key: _Key) -> Tensor:
    """Returns the images under the key's corruption: kept ones, or new ones, which are kept while they
    fit.
    """
    if key in _cache:
        return _cache[key]
    _, name, severity, seed, _ = key
    made = corrupted(images, name, severity, seed=seed)
    if sum(kept.numel() for kept in _cache.values()) + made.numel() <= CACHE_BYTES:
        _cache[key] = made
    return made


def _whole(split: Split) -> tuple[Tensor, Tensor]:
    """Returns the split's images as uint8 and its labels."""
    if isinstance(split, TensorSplit):
        return split.images, split.labels
    pairs = [((x * 255).round_().to(torch.uint8), y) for x, y in split.batches(1024)]
    return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])


METRIC = measure
