"""Noise in balls against what geometry says of a uniform point, and impulses counted."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from tests.support import CPU
from trainers.core.method import generator
from trainers.parts.ball import salt_and_pepper, uniform_in_ball

INF = math.inf


def norm(points: torch.Tensor, p: float) -> torch.Tensor:
    size = points.flatten(1).abs().double()
    return size.amax(1) if p == INF else size.pow(p).sum(1).pow(1 / p)


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 4.0, INF])
def test_the_radius_of_a_uniform_point_to_the_power_of_the_dimensions_is_uniform(p: float) -> None:
    points = uniform_in_ball((4000, 1, 2, 3), p, generator(CPU, 1))
    radius = norm(points, p).numpy()
    assert radius.max() <= 1 + 1e-6
    assert stats.kstest(radius**6, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 4.0, INF])
def test_a_coordinate_is_distributed_as_by_rejection_from_a_cube(p: float) -> None:
    cube = 2 * torch.rand((60_000, 3), generator=generator(CPU, 2)) - 1
    accepted = cube[norm(cube, p) <= 1][:, 0].numpy()
    points = uniform_in_ball((4000, 3), p, generator(CPU, 3))
    for column in points.T.numpy():
        assert stats.ks_2samp(column, accepted).pvalue > 1e-3


def test_impulses_are_where_as_many_as_and_what_they_should_be() -> None:
    x = torch.full((600, 2, 5, 10), 0.5)
    share = torch.tensor([0.0, 0.009, 0.1, 0.3]).repeat_interleave(150)
    changed = salt_and_pepper(x, share, 0.3, generator(CPU, 4))
    assert (x == 0.5).all() and set(changed.unique().tolist()) == {0.0, 0.5, 1.0}
    counts = (changed != 0.5).flatten(1).sum(1).view(4, 150).double()
    assert (counts[:2] == 0).all()
    for row, drawn in ((2, 10), (3, 30)):
        distinct = 100 * (1 - (1 - 1 / 100) ** drawn)
        assert counts[row].max() <= drawn and counts[row].mean().item() == pytest.approx(distinct, abs=0.5)
    places = (changed != 0.5).flatten(1).sum(0).numpy()
    assert stats.chisquare(places).pvalue > 1e-3
    assert stats.binomtest(int((changed == 1).sum()), int((changed != 0.5).sum())).pvalue > 1e-3


def test_a_point_is_the_generators() -> None:
    first, second = (uniform_in_ball((5, 4), 3.0, generator(CPU, 5)) for _ in range(2))
    assert torch.equal(first, second) and not np.allclose(first[0], first[1])
