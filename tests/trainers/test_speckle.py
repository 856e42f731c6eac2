"""Speckle noise training: what the batch is, computed another way."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import CPU, digits, first, new_fit, same
from trainers.core.method import generator
from trainers.gnt import GNT
from trainers.speckle import Speckle
from trainers.standard import Standard

LEVELS = (0.15, 0.2, 0.35, 0.45, 0.6)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 33), st.floats(0, 1), st.integers(0, 2**31))
def test_the_batch_is_the_papers_at_its_defaults(size: int, share: float, seed: int) -> None:
    x, draws = torch.rand((size, 3, 5, 7), generator=generator(CPU, 9, seed)), generator(CPU, seed)
    clean = round(share * size)
    chosen = np.array(LEVELS)[torch.randint(5, (size - clean,), generator=draws).numpy()][:, None, None, None]
    n = torch.randn((size - clean, 3, 5, 7), generator=draws).double().numpy()
    pixels = x.double().numpy()
    expected = np.concatenate([pixels[:clean], np.clip(pixels[clean:] * (1 + chosen * n), 0, 1)])
    view = Speckle(p_clean=share).views(x, generator(CPU, seed))
    np.testing.assert_allclose(view.numpy(), expected, atol=2e-6)
    assert same(view[:clean], x[:clean])


def test_black_stays_black_and_the_rest_does_not() -> None:
    x = torch.zeros(8, 1, 4, 4)
    x[..., 2:] = 0.5
    view = Speckle(sigma=0.3, p_clean=0.0).views(x, generator(CPU, 0))
    assert (view[..., :2] == 0).all() and (view[..., 2:] != 0.5).float().mean() > 0.9
    gaussian = GNT(sigma=0.3, p_clean=0.0).views(x, generator(CPU, 0))
    assert (gaussian[..., :2] > 0).any()


@pytest.mark.parametrize("sigma", [0.0, (0.0, 0.0)])
def test_sigma_zero_is_vanilla_training_bit_for_bit(sigma: float | tuple[float, ...]) -> None:
    recipe = {"data": first(digits().train, 200), "epochs": 2, "batch_size": 32}
    noisy, vanilla = new_fit(Speckle(sigma=sigma), **recipe), new_fit(Standard(), **recipe)
    for _ in range(2):
        assert same(noisy.run_epoch(), vanilla.run_epoch())
    assert same(noisy.model.state_dict(), vanilla.model.state_dict())
