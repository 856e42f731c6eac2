"""Adversarial training: the ball, the ascent, and the mode of the model."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainers.adversarial import Adversarial
from trainers.core.method import generator
from trainers.parts.attack import Norm, pgd, project, random_start

CPU = torch.device("cpu")


def size(delta: Tensor, norm: Norm) -> Tensor:
    return delta.flatten(1).norm(p=2 if norm == "l2" else float("inf"), dim=1)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["linf", "l2"]), st.floats(0, 3), st.integers(0, 99))
def test_projection_is_inside_idempotent_and_nearest(norm: Norm, epsilon: float, seed: int) -> None:
    rng = generator(CPU, seed)
    delta = torch.randn(4, 2, 3, 3, generator=rng)
    result = project(delta, epsilon, norm)
    assert (size(result, norm) <= epsilon * (1 + 1e-5)).all()
    torch.testing.assert_close(project(result, epsilon, norm), result)
    inside = size(delta, norm) <= epsilon
    assert torch.equal(result[inside], delta[inside])
    for _ in range(20):
        other = random_start(delta, epsilon, norm, rng)
        assert (size(other, norm) <= epsilon * (1 + 1e-5)).all()
        assert (size(delta - result, "l2") <= size(delta - other, "l2") + 1e-4).all()


def test_random_starts_fill_the_ball() -> None:
    """In d dimensions the radius to the power d is uniform."""
    start = random_start(torch.zeros(4000, 1, 2, 2), 0.5, "l2", generator(CPU, 1))
    share = (size(start, "l2") / 0.5) ** 4
    quantiles = torch.quantile(share, torch.linspace(0.1, 0.9, 9))
    assert (quantiles - torch.linspace(0.1, 0.9, 9)).abs().max() < 0.03


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.1), ("l2", 0.5)])
def test_a_linear_loss_is_maximised_exactly(norm: Norm, epsilon: float) -> None:
    """For <w, x> the maximum is at x + epsilon sign(w) (Linf) or x + epsilon w / |w| (L2)."""
    rng = generator(CPU, 2)
    x = torch.rand(3, 1, 4, 4, generator=rng) * 0.2 + 0.4
    w = torch.randn(1, 1, 4, 4, generator=rng)
    before = x.clone()
    found = pgd(lambda at: (w * at).sum(), x, rng, epsilon=epsilon, step=epsilon / 2, steps=40, norm=norm)
    best = x + epsilon * (w.sign() if norm == "linf" else w / w.norm())
    torch.testing.assert_close(found, best.clamp(0, 1), atol=1e-3, rtol=0)
    assert torch.equal(x, before)


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
