"""Flip probability: the definition by a loop, models with known flips, strides and errors."""

import pytest
import torch
from torch import Tensor, nn

from study.datasets.core.data import Data, TensorSplit
from study.errors import UserError
from study.evaluation.core.flip_rate import flip_probability, flips
from study.evaluation.core.perturbations import PERTURBATIONS
from study.evaluation.flips import METRIC


class Bright(nn.Module):
    """Class 1 where the mean is above a threshold."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([torch.full((len(x),), self.threshold), x.flatten(1).mean(1)], 1)


class Parity(nn.Module):
    """Class 1 where the first pixel's value is odd."""

    def forward(self, x: Tensor) -> Tensor:
        odd = (x[:, 0, 0, 0] * 255).round() % 2
        return torch.stack([1 - odd, odd], 1)


def data(images: Tensor) -> Data:
    split = TensorSplit(images, torch.zeros(len(images), dtype=torch.int64))
    return Data(split, split, split, classes=2, shape=tuple(images.shape[1:]), fingerprint="")


def test_flips_agree_with_a_loop() -> None:
    predictions = torch.randint(0, 3, (20, 7), generator=torch.Generator().manual_seed(0))
    for against_first in (False, True):
        for row, share in zip(predictions.tolist(), flips(predictions, against_first).tolist(), strict=True):
            differ = [row[j] != row[0 if against_first else j - 1] for j in range(1, 7)]
            assert share == pytest.approx(sum(differ) / 6)


def test_noise_is_compared_with_the_first_frame() -> None:
    # Parities 0 1 1 0: two flips, two frames unlike the first; and 0 1 1 1: one, three.
    frames = torch.tensor([[0, 1, 3, 2], [0, 5, 7, 9]]).view(2, 4, 1, 1, 1) / 255
    assert flip_probability(Parity(), [frames], "rotate", 3) == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert flip_probability(Parity(), [frames[:1], frames[1:]], "shot_noise_2", 3) == pytest.approx((2 / 3 + 1) / 2)


def test_a_threshold_on_brightness_is_crossed_once() -> None:
    # 0.5 -+ 0.225 in steps of .015: a threshold in the middle is crossed once in 30 steps, one above never.
    images = torch.full((40, 1, 4, 4), 128, dtype=torch.uint8)
    (row,) = METRIC(Bright(0.55), data(images), perturbations=("brightness",), batch=64)
    assert row[:4] == ("sequences", "brightness", 1, "flip_probability")
    assert row.value == pytest.approx(1 / 30)
    (row,) = METRIC(Bright(0.9), data(images), perturbations=("brightness",))
    assert row.value == 0


def test_every_takes_the_same_images_whatever_the_batch() -> None:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (50, 1, 6, 6), dtype=torch.uint8, generator=rng)
    names = tuple(name for name in PERTURBATIONS if "noise" not in name)
    model = Bright(0.45)
    whole = METRIC(model, data(images[::7]), perturbations=names)
    for batch in (31, 40, 512):
        assert METRIC(model, data(images), perturbations=names, every=7, batch=batch) == whole
    assert any(row.value > 0 for row in whole)


def test_the_seed_decides_the_noise() -> None:
    images = torch.full((20, 1, 8, 8), 128, dtype=torch.uint8)
    names, model = ("gaussian_noise",), Bright(128 / 255 + 1e-5)
    first, again, other = (METRIC(model, data(images), perturbations=names, seed=s) for s in (0, 0, 1))
    assert first == again
    assert first != other
    both = METRIC(model, data(images), perturbations=("shot_noise", "gaussian_noise"))
    assert both[1:] == first


def test_an_unknown_perturbation_is_an_error() -> None:
    with pytest.raises(UserError, match="no perturbation 'spin'.*rotate"):
        METRIC(Parity(), data(torch.zeros(1, 1, 4, 4, dtype=torch.uint8)), perturbations=("spin",))
