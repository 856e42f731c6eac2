"""The digits with some of their labels."""

import pytest
import torch

from study.datasets.digits import load
from study.errors import UserError

CPU = torch.device("cpu")


def test_labels_choose_and_renumber_images() -> None:
    whole, some = load(device=CPU), load(device=CPU, labels=(7, 2))
    assert some.classes == 2 and some.shape == whole.shape and some.fingerprint != whole.fingerprint
    for digit, label in ((7, 0), (2, 1)):
        expected = whole.test.images[whole.test.labels == digit]
        assert torch.equal(some.test.images[some.test.labels == label], expected)
        training = [torch.cat([data.train.images, data.validation.images]) for data in (whole, some)]
        kept = [torch.cat([data.train.labels, data.validation.labels]) for data in (whole, some)]
        counts = int((kept[0] == digit).sum()), int((kept[1] == label).sum())
        assert counts[0] == counts[1] > 0
        sums = [
            images[labels == which].float().sum()
            for images, labels, which in zip(training, kept, (digit, label), strict=True)
        ]
        assert sums[0] == sums[1]


def test_all_labels_are_the_default() -> None:
    assert load(device=CPU, labels=tuple(range(10))).fingerprint == load(device=CPU).fingerprint


def test_a_label_named_twice_is_an_error() -> None:
    with pytest.raises(UserError, match=r"digits.labels is \[1, 1\]"):
        load(device=CPU, labels=(1, 1))
