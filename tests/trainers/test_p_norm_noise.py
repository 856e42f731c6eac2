"""Noise of drawn norms: which image gets which, and how strong it is."""

import math

import pytest
import torch
from scipy import stats

from tests.support import CPU
from trainers.core.method import generator
from trainers.p_norm_noise import PNormNoise

GREY = torch.full((64, 3, 8, 8), 0.5)


def noise(method: PNormNoise, seed: int, x: torch.Tensor = GREY) -> torch.Tensor:
    return method.views(x, generator(CPU, seed)) - x


@pytest.mark.parametrize(("norm", "p", "size"), [("linf", math.inf, 0.2), ("l2", 2, 1.5), ("l1", 1, 9.0)])
def test_noise_of_one_norm_has_its_radius(norm: str, p: float, size: float) -> None:
    off = dict.fromkeys(("linf", "l2", "l1", "l0"))
    delta = noise(PNormNoise(**{**off, norm: (size,)}), 1).flatten(1)
    radius = delta.norm(p, dim=1)
    assert radius.max() <= size * (1 + 1e-5) and radius.min() >= 0.9 * size  # of 192 dimensions most lies outside


def test_impulses_are_the_share_of_values() -> None:
    delta = noise(PNormNoise(linf=None, l2=None, l0=(0.05,)), 2)
    assert (delta.flatten(1) != 0).sum(1).max() <= int(0.05 * 192) and set(delta.abs().unique().tolist()) == {0.0, 0.5}


def test_a_group_has_one_norm_and_size_and_all_are_drawn_alike() -> None:
    method = PNormNoise(linf=(0.01, 0.2), l2=None, l0=(0.5,), group=8)
    counts = torch.zeros(3)
    for seed in range(60):
        delta = noise(method, seed).flatten(1)
        impulses = (delta.abs() == 0.5).any(1)
        strong = ~impulses & (delta.abs().amax(1) > 0.01)
        kind = torch.where(impulses, 2, torch.where(strong, 1, 0)).view(8, 8)
        assert (kind == kind[:, :1]).all()
        counts += torch.bincount(kind[:, 0], minlength=3)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_the_clean_share_comes_first_and_odd_batches_are_whole() -> None:
    x = torch.rand(21, 1, 8, 8, generator=generator(CPU, 3))
    changed = PNormNoise(p_clean=1 / 3).views(x, generator(CPU, 4))
    assert torch.equal(changed[:7], x[:7]) and (changed[7:] != x[7:]).flatten(1).any(1).all()


def test_no_norm_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="are all None; give the sizes of at least one"):
        PNormNoise(linf=None, l2=None, l0=None)
