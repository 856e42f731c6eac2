"""LeNet-5, Madry's network and the toy network: sizes as published, and a forward pass written out."""

import pytest
import torch
import torch.nn.functional as F

from study.errors import UserError
from study.models.lenet5 import LeNet5
from study.models.madry_mnist import MadryMNIST
from study.models.toy_mlp import ToyMLP


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (LeNet5(shape=(1, 28, 28), classes=10), 61_706),
        (LeNet5(shape=(1, 32, 32), classes=10), 61_706),
        (MadryMNIST(shape=(1, 28, 28), classes=10), 3_274_634),
        (ToyMLP(shape=(2, 1, 1), classes=2, hidden=16), 16 * 3 + 2 * 17),
        (ToyMLP(shape=(2, 1, 1), classes=2, hidden=16, layers=3), 16 * 3 + 2 * 16 * 17 + 2 * 17),
    ],
)
def test_sizes(model: torch.nn.Module, count: int) -> None:
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize(("cls", "padding"), [(LeNet5, (2, 0)), (MadryMNIST, (2, 2))])
def test_the_convolutional_forward_written_out(cls: type, padding: tuple[int, int]) -> None:
    model, x = cls(shape=(1, 28, 28), classes=10), torch.rand(3, 1, 28, 28)
    weights = list(model.parameters())
    h = 2 * x - 1
    for i, pad in enumerate(padding):
        h = F.max_pool2d(F.conv2d(h, *weights[2 * i : 2 * i + 2], padding=pad).relu(), 2)
    h = h.flatten(1)
    for i in range(4, len(weights), 2):
        h = F.linear(h, *weights[i : i + 2])
        h = h.relu() if i < len(weights) - 2 else h
    assert torch.allclose(model(x), h, atol=1e-6)


def test_the_toy_forward_written_out() -> None:
    model, x = ToyMLP(shape=(2, 1, 1), classes=2), torch.rand(5, 2, 1, 1)
    a, b, c, d = model.parameters()
    assert torch.allclose(model(x), ((2 * x[:, :, 0, 0] - 1) @ a.T + b).relu() @ c.T + d, atol=1e-6)


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match="lenet5 takes images of 28 x 28 or 32 x 32; the dataset's are 8 x 8"):
        LeNet5(shape=(1, 8, 8), classes=10)
    with pytest.raises(UserError, match="madry_mnist takes images of 4 x 4 or more; the dataset's are 3 x 9"):
        MadryMNIST(shape=(1, 3, 9), classes=10)
