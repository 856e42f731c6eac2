"""Accuracy on the test split under Gaussian noise of any strength, beside the strengths that benchmarks chose."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Generator, Tensor, nn

from study.datasets.core.data import Data, Split
from study.evaluation.core.predict import BATCH, accuracy_rows, device_of, predict
from study.evaluation.rows import Row
from trainers.core.method import generator

NAME, CORRUPTION = "gaussian_noise", "gaussian"
SIGMAS = (0.08, 0.12, 0.18, 0.26, 0.38, 0.5, 0.6, 0.8, 1.0)
"""Those that `sigma_sweep` trains with."""


def measure(
    model: nn.Module,
    data: Data,
    *,
    test_sigmas: tuple[Annotated[float, Gt(0)], ...] = SIGMAS,
    seed: Annotated[int, Ge(0)] = 0,
    batch: Annotated[int, Ge(1)] = BATCH,
) -> list[Row]:
    """Returns accuracy and cross-entropy on clip(x + s n, 0, 1), n ~ N(0, I), for each test sigma s.

    Rows: benchmark "gaussian_noise", corruption "gaussian", severity k for the k-th test sigma, from 1. Metrics:
    "accuracy" (a fraction), "top5" where there are more than 10 classes, "cross_entropy" (nats, mean over images) and
    "test_sigma", s itself. Source: Kireev et al. 2022, section 4.2, for models trained with one sigma; s = 0 is the
    metric `clean`.

    test_sigmas: standard deviations of the noise in pixel units of [0, 1]. seed: of the noise, not of the trial: every
    model sees the same noise. batch: images a forward pass; it is part of the result (the order of random numbers).
    The model's mode is restored. Raises UserError where an image file cannot be read.

    Example:
        >>> rows = measure(model, data, test_sigmas=(0.5,))
        >>> rows[0]
        Row(benchmark='gaussian_noise', corruption='gaussian', severity=1, metric='accuracy', value=0...)
    """
    rows: list[Row] = []
    for severity, sigma in enumerate(test_sigmas, start=1):
        noisy = _Noisy(data.test, sigma, generator(device_of(model), seed, severity))
        logits, labels = predict(model, noisy, batch)
        loss = nn.functional.cross_entropy(logits, labels).item()
        rows += accuracy_rows(NAME, CORRUPTION, severity, logits, labels)
        rows += [
            Row(NAME, CORRUPTION, severity, metric, value)
            for metric, value in {"cross_entropy": loss, "test_sigma": float(sigma)}.items()
        ]
    return rows


@dataclass(frozen=True)
class _Noisy:
    """A split of which every reading draws new noise."""

    split: Split
    sigma: float
    noise: Generator

    def __len__(self) -> int:
        return len(self.split)

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields the split's batches with noise."""
        for x, y in self.split.batches(size, rng):
            yield torch.empty_like(x).normal_(generator=self.noise).mul_(self.sigma).add_(x).clamp_(0, 1), y


METRIC = measure
