from pathlib import Path

import pytest
import torch

from study.datasets import cifar100
from study.errors import UserError
from tests.study.datasets.writers import write_cifar


def write(root: Path) -> None:
    for part, count in (("train", 1000), ("test", 100)):
        write_cifar(root / "cifar-100-python" / part, count, "fine_labels", 100)


def test_every_fine_class_is_in_both_splits(tmp_path: Path) -> None:
    write(tmp_path)
    data = cifar100.load(root=tmp_path, device=torch.device("cpu"))
    assert data.validation.labels.bincount().tolist() == [1] * 100
    assert data.train.labels.bincount().tolist() == [9] * 100


def test_cifar10_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    write_cifar(tmp_path / "cifar-100-python/train", 500, "labels", 10)
    with pytest.raises(UserError, match="train has no 'data' and 'fine_labels'"):
        cifar100.load(root=tmp_path, device=torch.device("cpu"))
