"""Each loss against float64 numpy and scipy, and against the expectation it stands for."""

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

from trainers.parts.stochastic_losses import LOSSES, information_price, smooth_margin

M = np.array([-30.0, -6.0, -1.5, 0.0, 0.3, 2.0, 8.0, 40.0])
V = np.array([0.0, 1e-4, 0.5, 2.0, 7.0, 30.0])


def q(m):
    return special.expit(m)


def log_phi(t):
    return stats.norm.logcdf(t)


REFERENCE = {
    "mse": lambda m, v: (1 - q(m)) ** 2 + (q(m) * (1 - q(m))) ** 2 * v,
    "prob": lambda m, v: -log_phi(m / np.sqrt(v + 1)),
    "mse+prob": lambda m, v: (1 - q(m)) ** 2 + (q(m) * (1 - q(m))) ** 2 * v - log_phi(m / np.sqrt(v + 1)),
    "ece2": lambda m, v: np.logaddexp(0, -m) + q(m) * (1 - q(m)) * v / 2,
    "bound": lambda m, v: np.logaddexp(0, -m + v / 2),
    "probit": lambda m, v: -np.log(q(m / np.sqrt(1 + np.pi * v / 8))),
}


def expectation(function, m, v):
    """E[function(M)], M ~ N(m, v), by quadrature."""
    s = np.sqrt(v)
    return integrate.quad(lambda t: function(m + s * t) * stats.norm.pdf(t), -12, 12, limit=200)[0]


@pytest.mark.parametrize("name", LOSSES)
def test_matches_an_independent_computation(name):
    m, v = (part.ravel() for part in np.meshgrid(M, V))
    got = LOSSES[name](torch.from_numpy(m), torch.from_numpy(v)).numpy()
    np.testing.assert_allclose(got, REFERENCE[name](m, v), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
def test_is_finite_with_finite_gradients_in_float32_at_extremes(name):
    m = torch.tensor([-120.0, -30.0, 0.0, 30.0, 120.0], requires_grad=True)
    v = torch.tensor([0.0, 1e4, 1e-8, 1e4, 0.0], requires_grad=True)
    value = LOSSES[name](m, v)
    gradients = torch.autograd.grad(value.sum(), [m, v])
    assert all(part.isfinite().all() for part in (value, *gradients))


@pytest.mark.parametrize(("m", "v"), [(-1.0, 0.5), (0.5, 1.0), (3.0, 2.0)])
def test_bound_lies_above_the_expected_cross_entropy(m, v):
    exact = expectation(lambda t: np.logaddexp(0, -t), m, v)
    assert LOSSES["bound"](torch.tensor(m), torch.tensor(v)).item() > exact


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("ece2", lambda t: np.logaddexp(0, -t)),
        ("prob", None),
        ("probit", lambda t: special.expit(t)),
    ],
)
@pytest.mark.parametrize(("m", "v"), [(-1.0, 0.02), (0.7, 0.05), (2.0, 0.01)])
def test_stands_for_an_expectation_at_small_variance(name, function, m, v):
    if name == "prob":
        exact = -np.log(expectation(stats.norm.cdf, m, v))  # P(M + e > 0) = E Phi(M)
    else:
        exact = expectation(function, m, v)
        exact = -np.log(exact) if name == "probit" else exact
    got = LOSSES[name](torch.tensor(m, dtype=torch.float64), torch.tensor(v, dtype=torch.float64)).item()
    base = LOSSES[name](torch.tensor(m, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)).item()
    assert got == pytest.approx(exact, abs=0.35 * abs(exact - base) + 1e-12)


def test_smooth_margin_is_the_log_odds_of_the_label():
    logits = torch.randn((5, 4), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = torch.tensor([0, 3, 1, 2, 2])
    p = special.softmax(logits.numpy(), 1)[np.arange(5), y.numpy()]
    np.testing.assert_allclose(smooth_margin(logits, y).numpy(), np.log(p / (1 - p)), rtol=1e-12)


def test_information_price_is_the_divergence():
    sigma, sigma_0 = np.array([0.3, 1.1, 2.0]), 1.1

    def divergence(s):
        return integrate.quad(
            lambda t: (
                stats.norm.pdf(t, scale=s) * (stats.norm.logpdf(t, scale=s) - stats.norm.logpdf(t, scale=sigma_0))
            ),
            -14 * s,
            14 * s,
        )[0]

    expected = np.mean([divergence(s) for s in sigma])
    assert information_price(torch.from_numpy(sigma), sigma_0).item() == pytest.approx(expected, rel=1e-6)
    assert information_price(torch.tensor([1.1]), 1.1).item() == pytest.approx(0, abs=1e-7)
