"""Error on the test split when one spatial frequency is added: the Fourier heat map of sensitivity."""

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Generator, Tensor, nn

from study.datasets.core.data import Data
from study.evaluation.core.predict import BATCH, device_of, front, inference
from study.evaluation.rows import Row
from trainers.core.method import generator

NAME, SHARE = "fourier", 0.125
"""The norm of the noise by the side of the image; on CIFAR-10 it is the published 4."""


def measure(
    model: nn.Module,
    data: Data,
    *,
    norm: Annotated[float, Ge(0)] | None = None,
    images: Annotated[int, Gt(0)] | None = 1000,
    highest: Annotated[int, Ge(0)] | None = None,
    seed: Annotated[int, Ge(0)] = 0,
    batch: Annotated[int, Ge(1)] = BATCH,
) -> list[Row]:
    """Returns the share of wrong predictions on clip(x + r v U_ij, 0, 1) for each frequency (i, j).

    U_ij is the real image with Fourier coefficients at (i, j) and (-i, -j) alone and ||U_ij||_2 = 1, a cosine shifted
    by pi / 4; r in {-1, +1} is drawn for each image and channel, so that each channel moves by v. Source: Yin et al.
    2019, section 4. The frequency -S/2 of an even side S is left out.

    Rows: benchmark "fourier", metric "error"; corruption "row k" and severity l are frequency (k - K, l - K).

    norm: v, of one channel; None: S / 8 for the shorter side S. images: of the test split, the first ones; None: all.
    highest: K, the highest frequency either way; None: (S - 1) // 2. seed: of r. batch: images a forward pass. The
    cost is a pass for each of ((2 K + 1)^2 + 1) / 2 frequencies. The model's mode is restored. Raises UserError where
    an image file cannot be read.

    Example:
        >>> rows = measure(model, data, images=10, highest=1)
        >>> len(rows), rows[0]
        (9, Row(benchmark='fourier', corruption='row 0', severity=0, metric='error', value=0...))
    """
    side = min(data.shape[1:])
    most = (side - 1) // 2 if highest is None else min(highest, (side - 1) // 2)
    strength = SHARE * side if norm is None else norm
    with inference(model):
        device = device_of(model)
        parts = list(front(data.test, images, batch))
        errors: dict[tuple[int, int], Tensor] = {}
        for number, (i, j) in enumerate(_half(most)):
            wave = strength * basis(i, j, data.shape[1:], device)
            rng = generator(device, seed, number)
            wrong = [(model(_moved(x, wave, rng)).argmax(1) != y).double() for x, y in parts]
            errors[i, j] = errors[-i, -j] = torch.cat(wrong).mean()
        cells = sorted(errors)
        values = torch.stack([errors[cell] for cell in cells]).tolist()
    return [Row(NAME, f"row {i + most}", j + most, "error", value) for (i, j), value in zip(cells, values, strict=True)]


def basis(i: int, j: int, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Returns U_ij (H, W), of L2 norm 1: i periods down and j across."""
    height, width = shape
    down = torch.arange(height, device=device, dtype=torch.float64) * (i / height)
    across = torch.arange(width, device=device, dtype=torch.float64) * (j / width)
    wave = (2 * math.pi * (down[:, None] + across) + math.pi / 4).cos()
    unit: Tensor = wave / wave.norm()
    return unit.float()


def _half(most: int) -> Iterator[tuple[int, int]]:
    """Yields one of each two frequencies (i, j) and (-i, -j) up to `most`."""
    for i in range(most + 1):
        for j in range(0 if i == 0 else -most, most + 1):
            yield i, j


def _moved(x: Tensor, wave: Tensor, rng: Generator) -> Tensor:
    signs = torch.randint(0, 2, (*x.shape[:2], 1, 1), generator=rng, device=x.device).to(x.dtype) * 2 - 1
    return (x + signs * wave.to(x.dtype)).clamp_(0, 1)


METRIC = measure
