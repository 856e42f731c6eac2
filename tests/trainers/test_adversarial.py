"""Adversarial training: the loss of worse images, and the mode of the model. The attack has its own tests."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from trainers.adversarial import Adversarial
from trainers.core.method import generator
from trainers.parts.attack import Norm

CPU = torch.device("cpu")


def network() -> nn.Module:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(-0.5, 0.5, generator=generator(CPU, 3))
    return net


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.1), ("l2", 0.5)])
def test_loss_is_that_of_worse_images_and_the_mode_is_restored(norm: Norm, epsilon: float) -> None:
    net, rng = network(), generator(CPU, 4)
    x, y = torch.rand(10, 1, 4, 4, generator=rng), torch.randint(0, 3, (10,), generator=rng)
    before = x.clone()
    net.eval()
    clean = F.cross_entropy(net(x), y)
    method = Adversarial(epsilon=epsilon, norm=norm)
    attacked = method.loss(net, x, y, generator(CPU, 5))
    assert attacked > clean
    assert not net.training and all(p.grad is None for p in net.parameters())
    assert torch.equal(attacked, method.loss(net, x, y, generator(CPU, 5)))
    net.train()
    method.loss(net, x, y, generator(CPU, 5)).backward()
    assert net.training and net[2].num_batches_tracked == 1
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert torch.equal(x, before)


def test_epsilon_zero_is_standard_training() -> None:
    net, rng = network().eval(), generator(CPU, 4)
    x, y = torch.rand(10, 1, 4, 4, generator=rng), torch.randint(0, 3, (10,), generator=rng)
    for norm in ("linf", "l2"):
        loss = Adversarial(epsilon=0, norm=norm).loss(net, x, y, rng)  # type: ignore[arg-type]
        assert torch.equal(loss, F.cross_entropy(net(x), y))


def test_a_frozen_module_stays_frozen() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 10)).train()
    model[1].eval()
    rng = torch.Generator().manual_seed(0)
    x, y = torch.rand(4, 1, 8, 8, generator=rng), torch.arange(4)
    Adversarial(epsilon=0.1, steps=2).loss(model, x, y, rng)
    assert model.training and not model[1].training
