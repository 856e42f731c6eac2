"""PuzzleMix's two problems on a grid of blocks: which image each block shows, and which of its blocks goes where."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

ROUNDS, LAST = 12, 4
"""Sweeps of `solve_mask` while its temperature falls, and sweeps at temperature 0 after that."""
HOT, COLD = 0.6, 0.05
"""Its first and last temperature, in shares of a block's mean saliency."""
EXCHANGES = 8
"""Rounds of `transport`."""
STRIP = 4
"""Depth in pixels of the strips on both sides of a border that are compared, or a block where that is less."""
TINY = 1e-12
"""Keeps an image without saliency from being divided by zero."""


class MaskProblem(NamedTuple):
    """The energy of masks z (B, n, n), each value one of `levels`: the share of the image x against its partner x'.

    E(z) = sum_i unary(z_i) + sum over neighbours i, j: smooth * (z_i - z_j)^2 + data(z_i, z_j)
    Source: Kim et al. 2020, the objective of the mask. levels: (K,). unary: (K, B, n, n). smooth: >= 0. data is the
    mean cost of a border over what its two blocks show, drawn independently with the shares z: down
    (2, 2, B, n - 1, n) holds the cost of the border between a block, which shows x (1) or x' (0), and the one below
    it; across (2, 2, B, n, n - 1) that to the one on its right.
    """

    levels: Tensor
    unary: Tensor
    smooth: float
    down: Tensor
    across: Tensor


def block_means(values: Tensor, grid: int) -> Tensor:
    """Returns the means (B, grid, grid) of values (B, H, W) over blocks; both sides are multiples of grid."""
    count, height, width = values.shape
    return values.reshape(count, grid, height // grid, grid, width // grid).mean((2, 4))


def shares(saliency: Tensor) -> Tensor:
    """Returns a saliency >= 0 (B, n, n) as shares of its sum; 0 where an image has none."""
    total = saliency.sum((1, 2), keepdim=True)
    return saliency / total.clamp(min=TINY)


def border_costs(x: Tensor, partner: Tensor, grid: int) -> tuple[Tensor, Tensor]:
    """Returns (down, across) of `MaskProblem`: how far the images differ across each border, if not of one image.

    Entry [a, b] is the mean over channels and the border of |s - t|, s the mean over the strip on the first block's
    side in image a (0: partner, 1: x) and t that on the second's side in image b. x, partner: (B, C, H, W) in [0, 1].
    """
    images = torch.stack([partner, x])
    return _down(images, grid), _down(images.transpose(3, 4), grid).transpose(3, 4)


def _down(images: Tensor, grid: int) -> Tensor:
    two, count, channels, height, width = images.shape
    rows = height // grid
    strip = min(STRIP, rows)
    blocks = images.reshape(two, count, channels, grid, rows, width)
    above, below = blocks[:, :, :, :-1, rows - strip :].mean(4), blocks[:, :, :, 1:, :strip].mean(4)
    apart = (above[:, None] - below[None, :]).abs().mean(3)
    return apart.reshape(two, two, count, grid - 1, grid, width // grid).mean(5)


def binomial_cost(levels: int, share: Tensor) -> Tensor:
    """Returns -log P(k), k = 0 .. levels ~ Binomial(levels, share), (levels + 1,); infinite where P is 0."""
    k = torch.arange(levels + 1, device=share.device, dtype=share.dtype)
    rest = levels - k
    ways = math.lgamma(levels + 1) - (k + 1).lgamma() - (rest + 1).lgamma()
    return -(ways + torch.xlogy(k, share) + torch.xlogy(rest, 1 - share))


def energy(z: Tensor, problem: MaskProblem) -> Tensor:
    """Returns E(z) of each mask (B,); z (B, n, n) holds levels of the problem."""
    at = (z[None] == problem.levels[:, None, None, None]).to(z.dtype)
    total = torch.where(at > 0, problem.unary, 0).sum((0, 2, 3))
    for dim, cost in ((1, problem.down), (2, problem.across)):
        one, two = z.narrow(dim, 0, z.shape[dim] - 1), z.narrow(dim, 1, z.shape[dim] - 1)
        data = one * (two * cost[1, 1] + (1 - two) * cost[1, 0]) + (1 - one) * (
            two * cost[0, 1] + (1 - two) * cost[0, 0]
        )
        total = total + (problem.smooth * (one - two).square() + data).sum((1, 2))
    return total


def solve_mask(problem: MaskProblem) -> Tensor:
    """Returns masks (B, n, n) of low energy, from coarse to fine by mean-field annealing; the paper has graph cuts.

    Where n is even and above 2, blocks are first joined by twos in both directions, which is a problem of the same
    kind and solved the same way, and its solution is where this one starts. Blocks are coloured like a chessboard, so
    that none has a neighbour of its colour, and the colours take turns: a block's levels get the probabilities
    softmax(-E / temperature), given the means of its neighbours, which is all that E needs, being quadratic. The
    temperature falls geometrically, at last it is 0 (iterated conditional modes: E never rises). Where the coarse
    solution is better after all, it stays. A fixed number of sweeps over the whole batch, without waiting for the
    device. The least energy is not always found; the tests measure the gap to exact solutions.
    """
    levels, unary, smooth = problem[:3]
    n = unary.shape[-1]
    coarse = None
    if n > 2 and n % 2 == 0:
        coarse = solve_mask(_joined(problem)).repeat_interleave(2, -1).repeat_interleave(2, -2)
    place = torch.arange(n, device=unary.device)
    colour = (place[:, None] + place) % 2
    level = levels[:, None, None, None]
    alone = unary + smooth * _neighbours(place) * level.square()
    z = torch.full_like(unary[0], 0.5) if coarse is None else coarse
    for sweep in range(ROUNDS + LAST):
        for turn in (0, 1):
            cost = alone + level * _pull(z, problem)
            if sweep < ROUNDS:
                temperature = HOT * (COLD / HOT) ** (sweep / (ROUNDS - 1)) / n**2
                new = ((-cost / temperature).softmax(0) * level).sum(0)
            else:
                new = levels[cost.argmin(0)]
            z = torch.where(colour == turn, new, z)
    if coarse is None:
        return z
    return torch.where((energy(z, problem) <= energy(coarse, problem))[:, None, None], z, coarse)


def _joined(problem: MaskProblem) -> MaskProblem:
    """Returns the problem in which each 2 x 2 blocks show the same."""
    levels, unary, smooth, down, across = problem
    level = levels[:, None, None, None]

    def within(cost: Tensor) -> Tensor:
        both = level.square() * cost[1, 1] + (1 - level).square() * cost[0, 0]
        return both + level * (1 - level) * (cost[1, 0] + cost[0, 1])

    inner = _rows(within(across[..., ::2])) + _columns(within(down[..., ::2, :]))
    return MaskProblem(
        levels, _rows(_columns(unary)) + inner, 2 * smooth, _columns(down[..., 1::2, :]), _rows(across[..., 1::2])
    )


def _rows(values: Tensor) -> Tensor:
    return values[..., ::2, :] + values[..., 1::2, :]


def _columns(values: Tensor) -> Tensor:
    return values[..., ::2] + values[..., 1::2]


def _neighbours(place: Tensor) -> Tensor:
    """Returns how many neighbours each block of the grid has."""
    one_way = 2 - (place == 0).float() - (place == len(place) - 1).float()
    return one_way[:, None] + one_way


def _pull(z: Tensor, problem: MaskProblem) -> Tensor:
    """Returns for each block the slope in its own level of the border terms that are linear in it."""
    pull = torch.zeros_like(z)
    for dim, cost in ((1, problem.down), (2, problem.across)):
        size = z.shape[dim] - 1
        one, two = z.narrow(dim, 0, size), z.narrow(dim, 1, size)
        pull.narrow(dim, 0, size).add_(
            two * (cost[1, 1] - cost[0, 1]) + (1 - two) * (cost[1, 0] - cost[0, 0]) - 2 * problem.smooth * two
        )
        pull.narrow(dim, 1, size).add_(
            one * (cost[1, 1] - cost[1, 0]) + (1 - one) * (cost[0, 1] - cost[0, 0]) - 2 * problem.smooth * one
        )
    return pull


def transport_cost(saliency: Tensor, shown: Tensor, distance: float) -> Tensor:
    """Returns the cost (B, N, N) of filling place j with block i at [j, i]: distance * c_ij - 1(shown_j > 0)
    saliency_i.

    Source: Kim et al. 2020, the objective of the transport. c_ij is the squared distance on the grid, 1 from one edge
    to the other. saliency, shown: (B, n, n), N = n^2; shown is the share of the image at a place; as in the
    authors' code, a place that shows any of it counts in full.
    """
    n = saliency.shape[-1]
    place = torch.cartesian_prod(*[torch.arange(n, device=saliency.device)] * 2).to(saliency.dtype) / max(1, n - 1)
    apart = (place[:, None] - place[None, :]).square().sum(2)
    return distance * apart - (shown > 0).to(saliency.dtype).flatten(1)[:, :, None] * saliency.flatten(1)[:, None, :]


def transport(cost: Tensor) -> Tensor:
    """Returns which block fills each place (B, N), a permutation whose cost (B, N, N at [place, block]) is low.

    Starting from no move, places exchange their blocks in pairs. In a round each place picks the place with which an
    exchange saves most; those that picked each other exchange, if it saves. So the cost falls every round until no
    pair can save any more, is never above that of no move, and the result is a permutation at any time; the paper's
    own fast algorithm gives no such promise. A fixed number of rounds over the whole batch, without a host.
    """
    count, places = cost.shape[:2]
    mine = torch.arange(places, device=cost.device).expand(count, places)
    filled = mine
    for _ in range(EXCHANGES):
        now = cost.diagonal(dim1=1, dim2=2)
        # Symmetric to the last bit, as the sums commute: both sides of a pair must agree on whether to exchange.
        saved, partner = (now[:, :, None] + now[:, None, :] - (cost + cost.transpose(1, 2))).max(2)
        mutual = (partner.gather(1, partner) == mine) & (saved > TINY)
        exchange = torch.where(mutual, partner, mine)
        filled = filled.gather(1, exchange)
        cost = cost.gather(2, exchange[:, None, :].expand_as(cost))
    return filled


def move_blocks(x: Tensor, filled: Tensor, grid: int) -> Tensor:
    """Returns images (B, C, H, W) whose block j is block filled[:, j] of x; blocks are numbered along rows."""
    count, channels, height, width = x.shape
    size = (height // grid, width // grid)
    blocks = x.reshape(count, channels, grid, size[0], grid, size[1]).permute(0, 2, 4, 1, 3, 5)
    moved = blocks.reshape(count, grid * grid, -1).gather(
        1, filled[:, :, None].expand(-1, -1, channels * size[0] * size[1])
    )
    return moved.view(count, grid, grid, channels, *size).permute(0, 3, 1, 4, 2, 5).reshape(x.shape)
