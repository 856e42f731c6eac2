"""The Fourier heat map: its waves by NumPy's transform, and its errors image by image."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from study.datasets.core.data import TensorSplit
from study.evaluation import clean, fourier
from study.plan.contracts.core.fresh import digits, small_cnn
from trainers.core.method import generator

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (28, 28), (12, 10)])
def test_waves_have_one_pair_of_coefficients_and_are_orthonormal(shape: tuple[int, int]) -> None:
    most = (min(shape) - 1) // 2
    cells = [(i, j) for i in range(min(most, 3) + 1) for j in range(-min(most, 3) * (i > 0), min(most, 3) + 1)]
    waves = [fourier.basis(i, j, shape, CPU).double().numpy() for i, j in cells]
    for (i, j), wave in zip(cells, waves, strict=True):
        size = np.abs(np.fft.fft2(wave))
        there = {(i % shape[0], j % shape[1]), (-i % shape[0], -j % shape[1])}
        assert {tuple(at) for at in np.argwhere(size > 1e-4).tolist()} == there
    gram = np.array([[float((a * b).sum()) for a in waves] for b in waves])
    np.testing.assert_allclose(gram, np.eye(len(waves)), atol=1e-5)


def test_no_noise_is_the_clean_error_everywhere() -> None:
    model, [row] = small_cnn(), clean.measure(small_cnn(), digits())
    rows = fourier.measure(model, digits(), norm=0.0, images=None, highest=1)
    assert [each.value for each in rows] == [pytest.approx(1 - row.value)] * 9


def test_errors_image_by_image_and_point_symmetric() -> None:
    data = replace(digits(), test=TensorSplit(digits().test.images[:20], digits().test.labels[:20]))
    model = small_cnn().eval()
    rows = {(int(r.corruption.removeprefix("row ")), r.severity): r.value for r in fourier.measure(model, data)}
    assert sorted(rows) == [(i, j) for i in range(7) for j in range(7)]
    assert all(rows[i, j] == rows[6 - i, 6 - j] for i, j in rows)
    number = 0
    for i in range(4):
        for j in range(0 if i == 0 else -3, 4):
            if (i, j) in {(0, 0), (2, -1), (3, 3)}:
                assert rows[i + 3, j + 3] == _error(model, data.test.images, data.test.labels, i, j, number)
            number += 1
    assert number == 25


def _error(model: torch.nn.Module, images: Tensor, labels: Tensor, i: int, j: int, number: int) -> float:
    """The share of wrong predictions, with the wave written out pixel by pixel and S / 8 = 1 as its norm."""
    signs = torch.randint(0, 2, (20, 1, 1, 1), generator=generator(CPU, 0, number)) * 2 - 1
    at = [[np.cos(2 * np.pi * (i * r + j * c) / 8 + np.pi / 4) for c in range(8)] for r in range(8)]
    wave = torch.tensor(np.array(at) / np.linalg.norm(at), dtype=torch.float32)
    wrong = 0
    for image, sign, label in zip(images, signs, labels, strict=True):
        x = (image.float() / 255 + sign * wave).clamp(0, 1)
        wrong += int(model(x[None]).argmax()) != int(label)
    return wrong / 20
