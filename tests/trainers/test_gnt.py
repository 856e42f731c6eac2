"""Gaussian noise training: what the batch is, computed another way."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.support import CPU, digits, first, new_fit, same, small_cnn
from trainers.core.method import generator
from trainers.gnt import GNT
from trainers.standard import Standard

LEVELS = (0.08, 0.12, 0.18, 0.26, 0.38)
quick = settings(max_examples=40, deadline=None, derandomize=True)


def _images(size: int) -> Tensor:
    return torch.rand((size, 1, 8, 8), generator=generator(CPU, 9, size))


@quick
@given(st.integers(1, 40), st.floats(0, 1), st.sampled_from([0.0, 0.08, 0.5, 1.0, LEVELS]), st.integers(0, 2**31))
def test_the_batch_is_the_papers(size: int, share: float, sigma: float | tuple[float, ...], seed: int) -> None:
    x, draws = _images(size), generator(CPU, seed)
    clean = round(share * size)
    levels = np.atleast_1d(np.float64(sigma))
    chosen = levels[torch.randint(len(levels), (size - clean,), generator=draws).numpy()]
    n = torch.randn((size - clean, 1, 8, 8), generator=draws).double().numpy()
    expected = x.double().numpy()
    expected[clean:] = np.clip(expected[clean:] + chosen[:, None, None, None] * n, 0, 1)
    view = GNT(sigma=sigma, p_clean=share).views(x, generator(CPU, seed))
    np.testing.assert_allclose(view.numpy(), expected, atol=2e-6)
    assert same(view[:clean], x[:clean]) and view.dtype == x.dtype


@pytest.mark.parametrize(
    ("share", "size", "clean"), [(0.5, 64, 32), (0.5, 7, 4), (0.5, 5, 2), (0.3, 10, 3), (1.0, 9, 9), (0.0, 9, 0)]
)
def test_shares_are_exact(share: float, size: int, clean: int) -> None:
    x = torch.full((size, 1, 4, 4), 0.5)
    view = GNT(sigma=0.1, p_clean=share).views(x, generator(CPU, 0))
    unchanged = (view == x).flatten(1).all(1)
    assert unchanged.tolist() == [True] * clean + [False] * (size - clean)


def test_each_image_takes_a_level_of_the_set_with_equal_frequency() -> None:
    levels = (0.01, 0.02, 0.04, 0.08)  # so small that on grey nothing is clipped
    view = GNT(sigma=levels, p_clean=0.0).views(torch.full((2000, 1, 16, 16), 0.5), generator(CPU, 1))
    measured = view.flatten(1).double().std(1).log2()
    nearest = (measured[:, None] - torch.tensor(levels).log2()).abs()
    assert nearest.min(1).values.max() < 0.35  # each is one of the levels, none in between
    counts = nearest.argmin(1).bincount(minlength=4)
    assert (counts - 500).abs().max() < 80  # 4 standard deviations


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_sigma_zero_is_vanilla_training_bit_for_bit(share: float) -> None:
    recipe = {"data": first(digits().train, 200), "epochs": 2, "batch_size": 32}
    noisy, vanilla = new_fit(GNT(sigma=0.0, p_clean=share), **recipe), new_fit(Standard(), **recipe)
    for _ in range(2):
        assert same(noisy.run_epoch(), vanilla.run_epoch())
    assert same(noisy.model.state_dict(), vanilla.model.state_dict())


def test_the_loss_is_cross_entropy_on_the_whole_batch() -> None:
    x, y = next(digits().train.batches(33))
    model, method = small_cnn(), GNT(sigma=0.3)
    views = method.views(x, generator(CPU, 2))
    logits = model(views).detach().double().numpy()
    logits -= logits.max(1, keepdims=True)
    likelihood = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    expected = -likelihood[np.arange(33), y.numpy()].mean()
    assert float(method.loss(model, x, y, generator(CPU, 2)).detach()) == pytest.approx(expected, rel=1e-5)


def test_a_set_of_one_is_a_value() -> None:
    x = _images(9)
    one, many = (GNT(sigma=s).views(x, generator(CPU, 4)) for s in (0.2, (0.2,)))
    assert same(one, many) and GNT(sigma=(0.1, 0.2)).state_dict() == {}


def test_noise_lowers_confidence_in_what_vanilla_has_learned() -> None:
    """The noise reaches the model: a network trained on clean digits loses more to it than to clean images."""
    fit = new_fit(Standard(), epochs=4, batch_size=32, lr=3e-3)
    for _ in range(4):
        fit.run_epoch()
    x, y = next(digits().train.batches(200))
    losses = [
        float(F.cross_entropy(fit.model(GNT(sigma=sigma, p_clean=0.0).views(x, generator(CPU, 5))), y).detach())
        for sigma in (0.0, 0.2, 0.5, 1.0)
    ]
    assert losses == sorted(losses) and losses[-1] > 4 * losses[0]
