"""What a selection sees of a dataset, and parts of splits."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Generator, Tensor

from study.datasets.core.data import Thinned, every
from tests.support import digits


@dataclass(frozen=True)
class Plain:
    """A user's own split: it can do no more than the contract says."""

    count: int

    def __len__(self) -> int:
        return self.count

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, self.count, size):
            y = torch.arange(start, min(start + size, self.count))
            yield y.float().view(-1, 1, 1, 1) / self.count, y


@pytest.mark.parametrize("step", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [1, 4, 5, 100])
def test_every_kth_image_whatever_the_batch(step: int, size: int) -> None:
    split = every(Plain(23), step)
    labels = torch.cat([y for _, y in split.batches(size)])
    assert labels.tolist() == list(range(0, 23, step)) and len(split) == len(labels)
    assert isinstance(split, Thinned) is (step > 1)


def test_a_selection_sees_at_most_so_many_validation_images_and_no_test() -> None:
    data = digits()
    whole, part = data.for_selection(), data.for_selection(100)
    assert whole.test is data.validation and len(data.validation) > 100
    step = -(-len(data.validation) // 100)
    assert torch.equal(part.test.labels, data.validation.labels[::step]) and 50 < len(part.test) <= 100
    assert len({data.fingerprint, whole.fingerprint, part.fingerprint}) == 3
    assert data.for_selection(10**6).fingerprint == whole.fingerprint
