"""What the tests of several methods share: a small network whose weights are draws, and a batch of 8-bit images."""

import pytest
import torch
from torch import Tensor, nn

from study.models.small_cnn import SmallCNN
from tests.support import CPU
from trainers.core.method import generator


@pytest.fixture
def model() -> nn.Module:
    net = SmallCNN(shape=(1, 8, 8), classes=10, width=4, hidden=16)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(-0.3, 0.3, generator=generator(CPU, 1))
    return net


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    rng = generator(CPU, 2)
    x = torch.randint(0, 256, (12, 1, 8, 8), generator=rng) / 255
    return x, torch.randint(0, 10, (12,), generator=rng)
