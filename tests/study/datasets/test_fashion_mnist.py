from pathlib import Path

import torch

from study.datasets import fashion_mnist
from tests.study.datasets.writers import write_mnist_like


def write(root: Path) -> None:
    write_mnist_like(root, "FashionMNIST")


def test_flips_when_asked(tmp_path: Path) -> None:
    write(tmp_path)
    load = {"root": tmp_path, "device": torch.device("cpu")}
    assert fashion_mnist.load(**load).train.augment is None
    data = fashion_mnist.load(**load, flip=1.0)
    (plain, _), (flipped, _) = (
        next(iter(split.batches(90, torch.Generator().manual_seed(0))))
        for split in (fashion_mnist.load(**load).train, data.train)
    )
    assert torch.equal(flipped, plain.flip(3)) and data.validation.augment is None
