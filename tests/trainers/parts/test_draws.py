"""Moments and shapes of the draws, and what they depend on."""

import pytest
import torch
from scipy import stats

from trainers.core.method import generator
from trainers.parts.draws import beta, deal, dirichlet, host_index, log_gamma

CPU = torch.device("cpu")
N = 20_000


@pytest.mark.parametrize("concentration", [0.1, 0.7, 1.0, 2.0, 5.0])
def test_gamma_has_its_distribution(concentration: float) -> None:
    drawn = log_gamma(concentration, (N,), generator(CPU, 1)).double().exp()
    assert stats.kstest(drawn.numpy(), "gamma", args=(concentration,)).pvalue > 1e-3


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 0.5), (2.0, 5.0)])
def test_beta_has_its_distribution(a: float, b: float) -> None:
    drawn = beta(a, b, (N,), generator(CPU, 2))
    assert stats.kstest(drawn.double().numpy(), "beta", args=(a, b)).pvalue > 1e-3


@pytest.mark.parametrize("concentration", [0.3, 1.0])
def test_dirichlet_has_its_marginals_and_sums_to_one(concentration: float) -> None:
    drawn = dirichlet(concentration, (N, 3), generator(CPU, 3), over=1)
    torch.testing.assert_close(drawn.sum(1), torch.ones(N))
    for i in range(3):
        p = stats.kstest(drawn[:, i].double().numpy(), "beta", args=(concentration, 2 * concentration)).pvalue
        assert p > 1e-3


def test_small_concentrations_stay_finite() -> None:
    drawn = beta(1e-3, 1e-3, (N,), generator(CPU, 4))
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)


def test_host_index_is_uniform_repeats_and_moves_on() -> None:
    rng = generator(CPU, 5)
    drawn = [host_index(4, rng) for _ in range(2000)]
    again = generator(CPU, 5)
    assert drawn == [host_index(4, again) for _ in range(2000)]
    counts = torch.bincount(torch.tensor(drawn), minlength=4)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_every_item_has_one_place_and_any_place_alike() -> None:
    rng = generator(CPU, 6)
    counts = torch.zeros(5, 7)
    for _ in range(2000):
        item, place = deal(2, 5, 7, rng)
        assert torch.equal(item.gather(1, place), torch.arange(5).expand(2, 5))
        for hand in place:
            counts[torch.arange(5), hand] += 1
    assert all(stats.chisquare(row.numpy()).pvalue > 1e-3 for row in counts)
