"""Accuracy on the test split under every corruption and severity of a benchmark."""

from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from study.datasets.core.data import Data, to_float
from study.errors import UserError
from study.evaluation.core.accuracy import correct, evaluating, named_ranks
from study.evaluation.corruptions.benchmark import corrupted
from study.evaluation.corruptions.catalog import BENCHMARKS, SEVERITIES, benchmark_for
from study.evaluation.rows import Row

CACHE_BYTES = 512 * 2**20
"""Most bytes of corrupted test images that a process keeps for its next trials on the same data."""

_cache: OrderedDict[tuple[str, str, int, int, str], Tensor] = OrderedDict()


def measure(
    model: nn.Module,
    data: Data,
    *,
    benchmark: str | None = None,
    seed: int = 0,
    severities: tuple[int, ...] = SEVERITIES,
    batch: int = 2048,
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
    cases = [(name, severity) for name in BENCHMARKS[benchmark] for severity in severities]
    images, labels = _whole(data)
    ranks = named_ranks(data.classes)
    with evaluating(model):
        counts = [
            correct(model, _batches(made, labels, batch), tuple(ranks.values()))
            for made in (_images(images, data, name, severity, seed) for name, severity in cases)
        ]
    return [
        Row(benchmark, name, severity, metric, count / len(labels))
        for (name, severity), row in zip(cases, torch.stack(counts).tolist(), strict=True)
        for metric, count in zip(ranks, row, strict=True)
    ]


def _images(images: Tensor, data: Data, name: str, severity: int, seed: int) -> Tensor:
    """Returns the test images under a corruption, from the cache or made and kept while they fit its
    budget.
    """
    key = (data.fingerprint, name, severity, seed, str(images.device))
    if key not in _cache:
        made = corrupted(images, name, severity, seed=seed)
        kept = sum(kept.numel() for kept in _cache.values())
        if kept + made.numel() > CACHE_BYTES:
            return made
        _cache[key] = made
    return _cache[key]


def _whole(data: Data) -> tuple[Tensor, Tensor]:
    """Returns the test split's images as uint8 and its labels."""
    pairs = [((x * 255).round_().to(torch.uint8), y) for x, y in data.test.batches(1024)]
    return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])


def _batches(images: Tensor, labels: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(images), size):
        yield to_float(images[start : start + size]), labels[start : start + size]


METRIC = measure
