import math

import pytest
import torch

from study.datasets import toy

CPU = torch.device("cpu")


def _plane(split) -> torch.Tensor:
    return next(split.batches(len(split)))[0].flatten(1) * 4 - 2


def test_points_lie_on_two_rings() -> None:
    data = toy.load(device=CPU, points=4000, noise=0.0)
    points, y = _plane(data.train), data.train.labels
    step = 4 / 255 / 2 * math.sqrt(2)
    assert points.norm(dim=1)[y == 0].sub(1).abs().max() <= step
    assert points.norm(dim=1)[y == 1].sub(0.5).abs().max() <= step
    assert y.bincount().tolist() == [2000, 2000]


def test_the_noise_has_its_deviation_in_the_plane() -> None:
    # E |p|^2 = radius^2 + 2 noise^2, and nothing reaches the edge.
    data = toy.load(device=CPU, points=20000)
    points, y = _plane(data.test), data.test.labels
    for label, radius in ((0, 1.0), (1, 0.5)):
        assert points[y == label].square().sum(1).mean() == pytest.approx(radius**2 + 2 * 0.2**2, abs=0.02)
    assert points.abs().max() < 2


def test_the_three_splits_are_different_draws_of_250() -> None:
    data = toy.load(device=CPU)
    splits = [data.train, data.validation, data.test]
    assert [len(split) for split in splits] == [250] * 3
    assert not torch.equal(data.train.images, data.validation.images)
    assert not torch.equal(data.validation.images, data.test.images)
