"""PuzzleMix's two problems: terms by loops, and solutions against exact ones (enumeration, minimum cut, assignment)."""

from itertools import product

import numpy as np
import pytest
import scipy.stats
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import maximum_flow
from torch import Tensor

from tests.support import CPU
from trainers.core.method import generator
from trainers.parts import puzzle
from trainers.parts.puzzle import MaskProblem, energy, solve_mask

BATCH = 10


def _images(side: int, seed: int) -> tuple[Tensor, Tensor]:
    """Smooth images and saliencies with few peaks, (B, 2, side, side) and (B, side, side)."""
    rng = generator(CPU, seed)
    blur = torch.ones(1, 1, 5, 5) / 25
    x = F.conv2d(torch.rand(2 * BATCH, 1, side, side, generator=rng), blur, padding=2).view(BATCH, 2, side, side)
    salient = F.conv2d(torch.rand(BATCH, 1, side, side, generator=rng) ** 20, blur, padding=2)[:, 0]
    return x, salient


def _problem(
    grid: int, levels: int, *, beta: float = 1.2, gamma: float = 0.5, share: float = 0.4, side: int = 32
) -> MaskProblem:
    """Problems as the method makes them."""
    (x, s), (partner, t) = _images(side, 1), _images(side, 2)
    s, t = (puzzle.shares(puzzle.block_means(salient, grid)) for salient in (s, t))
    level = torch.arange(levels + 1) / levels
    prior = 0.2 / grid**2 * puzzle.binomial_cost(levels, torch.tensor(share))
    unary = torch.stack([(1 - k) * s + k * t + p for k, p in zip(level, prior, strict=True)])
    smooth = beta / (16 * grid)
    down, across = puzzle.border_costs(x, partner, grid)
    return MaskProblem(level, unary, smooth, smooth * gamma * down, smooth * gamma * across)


def _by_loops(z: Tensor, p: MaskProblem, b: int) -> float:
    """The energy of one mask, from the definition."""
    n = len(z)
    total = 0.0
    for r, c in product(range(n), range(n)):
        total += float(p.unary[int((p.levels == z[r, c]).nonzero()), b, r, c])
        for cost, (r2, c2) in ((p.down, (r + 1, c)), (p.across, (r, c + 1))):
            if max(r2, c2) < n:
                one, two = float(z[r, c]), float(z[r2, c2])
                total += p.smooth * (one - two) ** 2
                for shown, other in product((0, 1), (0, 1)):
                    chance = (one if shown else 1 - one) * (two if other else 1 - two)
                    total += chance * float(cost[shown, other, b, r, c])
    return total


@pytest.mark.parametrize(("grid", "levels"), [(2, 1), (3, 2), (4, 3)])
def test_energy_is_the_definition(grid: int, levels: int) -> None:
    p = _problem(grid, levels, side=24)
    z = p.levels[torch.randint(levels + 1, (BATCH, grid, grid), generator=generator(CPU, 3))]
    expected = [_by_loops(z[b], p, b) for b in range(BATCH)]
    assert energy(z, p).tolist() == pytest.approx(expected, rel=1e-5)


def test_border_costs_by_loops() -> None:
    x, partner = _images(16, 4)[0][:3], _images(16, 5)[0][:3]
    down, across = puzzle.border_costs(x, partner, 2)
    assert down.shape == (2, 2, 3, 1, 2) and across.shape == (2, 2, 3, 2, 1)
    for a, b, image, at in product((0, 1), (0, 1), range(3), (0, 1)):
        one, two = ((x if shown else partner)[image] for shown in (a, b))
        mine = slice(8 * at, 8 * at + 8)
        expected = (one[:, 4:8, mine].mean(1) - two[:, 8:12, mine].mean(1)).abs().mean()
        torch.testing.assert_close(down[a, b, image, 0, at], expected)
        expected = (one[:, mine, 4:8].mean(2) - two[:, mine, 8:12].mean(2)).abs().mean()
        torch.testing.assert_close(across[a, b, image, at, 0], expected)


def test_the_prior_is_binomial() -> None:
    for levels, share in product((1, 2, 5), (0.1, 0.5, 0.97)):
        expected = -scipy.stats.binom.logpmf(np.arange(levels + 1), levels, share)
        assert puzzle.binomial_cost(levels, torch.tensor(share)).tolist() == pytest.approx(expected.tolist(), rel=1e-4)
    assert puzzle.binomial_cost(2, torch.tensor(1.0)).tolist() == [torch.inf, torch.inf, 0.0]


def test_joining_blocks_is_a_restriction() -> None:
    p = _problem(8, 2)
    z = p.levels[torch.randint(3, (BATCH, 4, 4), generator=generator(CPU, 6))]
    fine = z.repeat_interleave(2, 1).repeat_interleave(2, 2)
    torch.testing.assert_close(energy(z, puzzle._joined(p)), energy(fine, p))


def _least(p: MaskProblem) -> Tensor:
    """The least energy of each problem, by trying every mask."""
    n = p.unary.shape[-1]
    every = p.levels[torch.tensor(list(product(range(len(p.levels)), repeat=n * n)))].view(-1, n, n)
    found = []
    for b in range(BATCH):
        unary = p.unary[:, b : b + 1].expand(-1, len(every), -1, -1)
        down, across = (c[:, :, b : b + 1].expand(-1, -1, len(every), -1, -1) for c in (p.down, p.across))
        found.append(energy(every, MaskProblem(p.levels, unary, p.smooth, down, across)).min())
    return torch.stack(found)


@pytest.mark.parametrize(("beta", "gamma"), [(1.2, 0.5), (6.0, 0.5), (1.2, 8.0)])
@pytest.mark.parametrize(("grid", "levels"), [(4, 1), (3, 2)])
def test_small_masks_against_every_mask_there_is(grid: int, levels: int, beta: float, gamma: float) -> None:
    """At least 7 of 10 exact, no gap above 2% of the least energy."""
    p = _problem(grid, levels, beta=beta, gamma=gamma, side=24)
    gap = energy(solve_mask(p), p) / _least(p) - 1
    assert gap.min() > -1e-5 and gap.max() < 0.02 and (gap < 1e-5).float().mean() >= 0.7


def _cut(p: MaskProblem, b: int) -> float:
    """The least energy of a problem of two levels, by a minimum cut."""
    n = p.unary.shape[-1]
    place, unary = np.arange(n * n).reshape(n, n), p.unary[:, b].double().numpy().reshape(2, -1).copy()
    source, sink, constant = n * n, n * n + 1, 0.0
    edges: list[tuple[int, int, float]] = []
    for cost, one, two in ((p.down, place[:-1], place[1:]), (p.across, place[:, :-1], place[:, 1:])):
        c = cost[:, :, b].double().numpy().reshape(2, 2, -1)
        apart = c[0, 1] + c[1, 0] - c[0, 0] - c[1, 1] + 2 * p.smooth
        assert (apart >= 0).all()
        constant += c[0, 0].sum()
        np.add.at(unary[1], one.ravel(), c[1, 0] + p.smooth - c[0, 0])
        np.add.at(unary[1], two.ravel(), c[1, 1] - c[1, 0] - p.smooth)
        edges += zip(two.ravel().tolist(), one.ravel().tolist(), apart.tolist(), strict=True)
    constant += unary.min(0).sum()
    for k, more in enumerate((unary[1] - unary[0]).tolist()):
        edges.append((k, sink, more) if more > 0 else (source, k, -more))
    start, end, weight = zip(*edges, strict=True)
    graph = coo_matrix((np.rint(1e7 * np.array(weight)).astype(np.int32), (start, end)), shape=(n * n + 2,) * 2)
    return float(constant + maximum_flow(graph.tocsr(), source, sink).flow_value / 1e7)


@pytest.mark.parametrize(("grid", "beta"), [(4, 1.2), (8, 1.2), (16, 1.2), (16, 6.0)])
def test_large_masks_against_the_minimum_cut(grid: int, beta: float) -> None:
    """The mean gap is below 2% of the least energy, the largest below 6%."""
    p = _problem(grid, 1, beta=beta)
    least = torch.tensor([_cut(p, b) for b in range(BATCH)])
    gap = energy(solve_mask(p), p) / least - 1
    assert gap.min() > -1e-4 and gap.mean() < 0.02 and gap.max() < 0.06
    # What each block would choose alone is worse.
    alone = p.levels[p.unary.argmin(0)]
    assert (energy(solve_mask(p), p) <= energy(alone, p) + 1e-6).all()


def test_the_cut_agrees_with_enumeration() -> None:
    p = _problem(4, 1, side=24)
    assert [_cut(p, b) for b in range(BATCH)] == pytest.approx(_least(p).tolist(), abs=1e-4)


@pytest.mark.parametrize("xi", [0.8, 0.1])
@pytest.mark.parametrize("grid", [2, 3, 4, 8, 16])
def test_transport_against_the_exact_assignment(grid: int, xi: float) -> None:
    """A permutation, never worse than no move; of what can be saved over all, at least 93% is."""
    salient = puzzle.shares(puzzle.block_means(_images(48, 7)[1] ** 2, grid))
    shown = torch.randint(3, (BATCH, grid, grid), generator=generator(CPU, 8)) / 2
    cost = puzzle.transport_cost(salient, shown, xi)
    for place, block in product(range(grid**2), range(grid**2)):
        (r, c), (r2, c2) = divmod(place, grid), divmod(block, grid)
        apart = ((r - r2) ** 2 + (c - c2) ** 2) / (grid - 1) ** 2
        expected = xi * apart - (float(salient[0, r2, c2]) if float(shown[0, r, c]) > 0 else 0)
        assert float(cost[0, place, block]) == pytest.approx(expected, abs=1e-6)
    kept = cost.clone()
    filled = puzzle.transport(cost)
    assert torch.equal(cost, kept)
    assert torch.equal(filled.sort(1).values, torch.arange(grid**2).expand(BATCH, -1))
    found, still = cost.gather(2, filled[:, :, None]).sum((1, 2)), cost.diagonal(dim1=1, dim2=2).sum(1)
    best = torch.tensor([float(c[linear_sum_assignment(c)].sum()) for c in cost.double().numpy()])
    assert (found <= still + 1e-6).all() and (found >= best - 1e-5).all()
    assert (still - found).sum() >= 0.93 * (still - best).sum() - 1e-5
    assert (filled != torch.arange(grid**2)).any() == bool((still - best).max() > 1e-5)


def test_moving_that_costs_too_much_does_not_happen() -> None:
    salient = puzzle.shares(puzzle.block_means(_images(32, 7)[1], 8))
    filled = puzzle.transport(puzzle.transport_cost(salient, torch.ones_like(salient), 100.0))
    assert torch.equal(filled, torch.arange(64).expand(BATCH, -1))


def test_blocks_are_moved_by_loops() -> None:
    x = torch.rand(3, 2, 6, 9, generator=generator(CPU, 9))
    filled = torch.stack([torch.randperm(9, generator=generator(CPU, 10 + i)) for i in range(3)])
    moved = puzzle.move_blocks(x, filled, 3)
    for image, place in product(range(3), range(9)):
        (r, c), (r2, c2) = divmod(place, 3), divmod(int(filled[image, place]), 3)
        there, here = (
            (slice(2 * r, 2 * r + 2), slice(3 * c, 3 * c + 3)),
            (slice(2 * r2, 2 * r2 + 2), slice(3 * c2, 3 * c2 + 3)),
        )
        assert torch.equal(moved[image][:, *there], x[image][:, *here])
    assert torch.equal(puzzle.move_blocks(x, torch.arange(9).expand(3, -1), 3), x)
