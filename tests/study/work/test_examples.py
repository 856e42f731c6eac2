"""The stored example of each corruption: the first test image as the benchmark corrupts it."""

import io

import numpy as np
import torch

from study.datasets.core.data import Data, TensorSplit
from study.evaluation.core.corrupted import corrupted_splits
from study.evaluation.corruptions.benchmark import corrupted
from study.evaluation.corruptions.catalog import BENCHMARKS
from study.work.examples import LARGEST, examples
from tests.support import digits

OPTIONS = {"corruption": {"benchmark": None, "seed": 3}}


def _read(content: bytes | None) -> tuple[list[str], np.ndarray]:
    assert content is not None
    with np.load(io.BytesIO(content)) as archive:
        return list(archive["names"]), archive["images"]


def test_it_is_the_first_test_image_under_every_corruption() -> None:
    data = digits()
    names, images = _read(examples(data, OPTIONS))
    assert tuple(names) == BENCHMARKS["common"] and images.shape == (15, 6, 8, 8, 1) and images.dtype == np.uint8
    first = data.test.images[:1]  # type: ignore[attr-defined]
    assert all(np.array_equal(row[0], first[0].permute(1, 2, 0)) for row in images)
    for number, name in enumerate(names):
        expected = corrupted(first, name, 5, seed=3)[0]
        assert np.array_equal(images[number, 5], expected.permute(1, 2, 0)), name
    _, _, split = next(corrupted_splits(data, "common", (1,), 3))
    assert split.images.shape == data.test.images.shape  # type: ignore[attr-defined]


def test_large_images_are_stored_smaller_and_other_studies_store_none() -> None:
    split = TensorSplit(
        torch.arange(3 * 96 * 64).remainder(256).to(torch.uint8).view(1, 3, 96, 64), torch.zeros(1).long()
    )
    data = Data(split, split, split, 2, (3, 96, 64), "f")
    _, images = _read(examples(data, OPTIONS))
    assert images.shape == (15, 6, LARGEST, 32, 3)
    blocks = split.images[0].float().view(3, 48, 2, 32, 2).mean((2, 4)).round().to(torch.uint8)
    assert np.array_equal(images[0, 0], blocks.permute(1, 2, 0))
    assert examples(data, {"clean": {}}) is None
