"""Moments carried layer by layer, against dense matrices, quadrature and sampling."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor, nn

from trainers.parts.moments import Moments, clark, margin_variance, propagate
from trainers.parts.stochastic_losses import smooth_margin

F64 = torch.float64


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + x


def network(seed: int = 0) -> nn.Sequential:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        Residual(4),
        nn.AvgPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ).double()
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.7, generator=rng)
    return model


def images(count: int = 4, size: int = 8) -> Tensor:
    return torch.rand((count, 1, size, size), generator=torch.Generator().manual_seed(3), dtype=F64)


@pytest.mark.parametrize("training", [True, False])
def test_the_diagonal_mean_is_the_network_exactly(training):
    model, x = network().train(training), images()
    got = propagate(model, model[0], x, torch.tensor([0.7], dtype=F64), matched=False)
    assert torch.equal(got.mean, network().train(training)(x))


@pytest.mark.parametrize("matched", [True, False])
def test_no_noise_is_the_network_exactly(matched):
    model, x = network().eval(), images()
    got = propagate(model, model[0], x, torch.zeros(1, dtype=F64), matched=matched)
    assert torch.equal(got.mean, model(x))
    assert not got.variance.any()


def test_diagonal_variance_of_a_hidden_layer_is_the_squared_weights_sum():
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).double()
    x = torch.randn((4, 6), generator=torch.Generator().manual_seed(1), dtype=F64)
    s = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5], dtype=F64)
    got = propagate(model, model[0], x, s, matched=False)
    h = x.numpy() @ model[0].weight.detach().numpy().T + model[0].bias.detach().numpy()
    passed = np.where(h > 0, s.numpy() ** 2, 0)
    expected = np.einsum("oi,bi->bo", model[2].weight.detach().numpy() ** 2, passed)
    np.testing.assert_allclose(got.variance.detach().numpy(), expected, rtol=1e-12)


def jacobian_variance(module: nn.Module, mean: Tensor, variance: Tensor) -> Tensor:
    """sum_j (d out_i / d in_j)^2 var_j, by the full Jacobian."""
    jacobian = torch.autograd.functional.jacobian(module, mean)
    return (jacobian.square() * variance).flatten(-mean.dim()).sum(-1)


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(2, 3, 3, stride=2, padding=1),
        nn.MaxPool2d(3, 2, 1),
        nn.AvgPool2d(2),
        nn.AdaptiveAvgPool2d(2),
        nn.BatchNorm2d(2).eval(),
        nn.ReLU(),
        nn.Flatten(),
    ],
    ids=lambda module: type(module).__name__,
)
def test_each_layer_linearised_is_its_jacobian(module):
    module = module.double()
    rng = torch.Generator().manual_seed(2)
    if isinstance(module, nn.BatchNorm2d):
        module.running_var.uniform_(0.5, 2, generator=rng)
    mean = torch.randn((1, 2, 6, 6), generator=rng, dtype=F64)
    variance = torch.rand((1, 2, 6, 6), generator=rng, dtype=F64)
    got = module(Moments(mean, variance, matched=False))
    expected = jacobian_variance(module, mean, variance)
    torch.testing.assert_close(got.variance, expected, rtol=1e-10, atol=1e-12)
    assert torch.equal(got.mean, module(mean))


@pytest.mark.parametrize(
    ("m1", "v1", "m2", "v2"), [(0.3, 1, -0.2, 0.5), (2, 0.1, 1.8, 0.7), (-1, 0.8, 0, 0), (5, 1, 0, 0)]
)
def test_clark_is_the_quadrature_of_a_maximum(m1, v1, m2, v2):
    def density(t):  # of max(X1, X2), off the atom that a constant X2 makes
        a = stats.norm.pdf(t, m1, v1**0.5) * (stats.norm.cdf(t, m2, v2**0.5) if v2 else float(t > m2))
        return a + (stats.norm.pdf(t, m2, v2**0.5) * stats.norm.cdf(t, m1, v1**0.5) if v2 else 0)

    atom = 0 if v2 else stats.norm.cdf(m2, m1, v1**0.5)
    first = integrate.quad(lambda t: t * density(t), -15, 15, points=[m2], limit=400)[0] + atom * m2
    second = integrate.quad(lambda t: t * t * density(t), -15, 15, points=[m2], limit=400)[0] + atom * m2**2
    mean, variance = clark(*(torch.tensor(float(value), dtype=F64) for value in (m1, v1, m2, v2)))
    assert mean.item() == pytest.approx(first, rel=1e-6)
    assert variance.item() == pytest.approx(second - first**2, rel=1e-5)


def test_matched_pool_is_near_the_sampled_maximum():
    rng = torch.Generator().manual_seed(4)
    mean = torch.randn((1, 1, 5, 5), generator=rng, dtype=F64)
    variance = torch.rand((1, 1, 5, 5), generator=rng, dtype=F64)
    pool = nn.MaxPool2d(3, 2, 1)
    got = pool(Moments(mean, variance, matched=True))
    drawn = pool(mean + variance.sqrt() * torch.randn((40_000, 1, 5, 5), generator=rng, dtype=F64))
    torch.testing.assert_close(got.mean[0], drawn.mean(0), rtol=0.03, atol=0.03)
    torch.testing.assert_close(got.variance[0], drawn.var(0), rtol=0.08, atol=0.02)


def test_matched_moments_are_nearer_the_sampled_mean_than_the_linearised():
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3)).double()
    rng = torch.Generator().manual_seed(5)
    x = torch.randn((6, 8), generator=rng, dtype=F64)
    h = model[0](x)
    drawn = model[2]((h + 0.8 * torch.randn((20_000, *h.shape), generator=rng, dtype=F64)).relu())
    s = torch.tensor([0.8], dtype=F64)
    errors = {
        matched: (propagate(model, model[0], x, s, matched=matched).mean - drawn.mean(0)).abs().max()
        for matched in (True, False)
    }
    assert errors[True] < 0.02 < errors[False]
    matched = propagate(model, model[0], x, s, matched=True)
    torch.testing.assert_close(matched.variance, drawn.var(0), rtol=0.05, atol=0.0)


def test_gradients_are_finite_where_variance_is_zero():
    mean = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    variance = torch.zeros(3, requires_grad=True)
    best, spread = clark(mean, variance, torch.zeros(()), torch.zeros(()))
    gradients = torch.autograd.grad(best.sum() + spread.sum(), [mean, variance])
    assert all(part.isfinite().all() for part in gradients)


def test_margin_variance_is_its_jacobian():
    rng = torch.Generator().manual_seed(6)
    z = torch.randn((4, 5), generator=rng, dtype=F64, requires_grad=True)
    variance, y = torch.rand((4, 5), generator=rng, dtype=F64), torch.tensor([0, 4, 2, 2])
    (gradient,) = torch.autograd.grad(smooth_margin(z, y).sum(), z)
    expected = (gradient.square() * variance).sum(1)
    torch.testing.assert_close(margin_variance(Moments(z, variance, matched=False), y), expected)


def test_says_what_has_no_rule():
    model = nn.Sequential(nn.Linear(3, 3), nn.GELU())
    with pytest.raises(TypeError, match="through gelu.*covariance='full' takes any model"):
        propagate(model, model[0], torch.zeros((1, 3)), torch.ones(1), matched=False)
