"""PuzzleMix: two images share the plane so that each shows what matters in it."""

from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, MinLen
from torch import Generator, Tensor, nn

from trainers.core.method import Method
from trainers.parts import puzzle
from trainers.parts.draws import beta as draw_beta
from trainers.parts.draws import host_index
from trainers.parts.modes import evaluating

Grids = Annotated[tuple[Annotated[int, Ge(2), Le(16)], ...], MinLen(1)]
"""Numbers of blocks along a side of the image."""


class PuzzleMix(Method):
    """min E[w CE(f(m), y) + (1 - w) CE(f(m), y')], m = z T(x) + (1 - z) T'(x'), w the mean of the mask z.

    Source: Kim et al. 2020. The images are cut into n x n blocks, n drawn per batch, uniformly from `grids`; x' are
    x permuted. Saliency s is the norm over channels of the gradient of the cross-entropy with respect to the image,
    in evaluation mode (so a step costs about two of vanilla training), block means as shares of their sum. Per image:
    - mask: z over the blocks, each in {0, 1/levels, ..., 1}, that minimises
      sum_i (1 - z_i) s_i + z_i s'_i  +  sum over neighbours b ((z_i - z_j)^2 + gamma d(z_i, z_j))
      - eta / n^2 sum_i log P(levels z_i), P = Binomial(levels, lambda), lambda ~ Beta(alpha, alpha) per batch,
      with b = beta / (16 n) (the authors' code) and d how far the two sides of a border differ.
    - transport: then the permutation T of x's blocks that minimises xi |moved|^2 / (n - 1)^2 - 1(z > 0) s(moved), and
      T' of the other's alike with 1(z < 1). A place that shows both images counts in full for both (the authors' code).
    lambda = 1 leaves the images as they are.

    Ours differs from the authors' code so that a step stays one program on the device: both problems are solved
    nearly, not exactly, by `trainers.parts.puzzle.solve_mask` (for graph cuts) and `transport` (which always is a
    permutation); a border is compared over strips of 4 pixels; blocks are moved on the mask's grid. The authors' fast
    transport lets each block choose its cheapest place for n rounds, adds 1 to the cost of a place lost to another
    block, and leaves places that no block has won at the mean colour.

    alpha: > 0. levels: of the mask above 0; published: 2. beta: smoothness of the mask; gamma: of the image; eta:
    weight of lambda; all >= 0. xi: cost of moving, >= 0; None: nothing moves. Published on CIFAR: the defaults.
    grids: those that do not divide both sides of the images are left out; `setup` raises ValueError if none is left.

    Example:
        method = PuzzleMix(alpha=1.0, xi=0.8)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        alpha: Annotated[float, Gt(0)] = 1.0,
        levels: Annotated[int, Ge(1), Le(8)] = 2,
        beta: Annotated[float, Ge(0)] = 1.2,
        gamma: Annotated[float, Ge(0)] = 0.5,
        eta: Annotated[float, Ge(0)] = 0.2,
        xi: Annotated[float, Ge(0)] | None = 0.8,
        grids: Grids = (2, 4, 8, 16),
    ) -> None:
        super().__init__()
        self.alpha, self.levels, self.beta, self.gamma, self.eta, self.xi = alpha, levels, beta, gamma, eta, xi
        self.grids = grids
        self.fitting: tuple[int, ...]

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Notes which of the grids divide the images. Raises ValueError if none does."""
        height, width = x.shape[2:]
        self.fitting = tuple(grid for grid in self.grids if height % grid == 0 and width % grid == 0)
        if not self.fitting:
            raise ValueError(f"none of the grids {self.grids} divides images of {height} x {width}")

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the mixed cross-entropy of the mixed images."""
        grid = self.fitting[host_index(len(self.fitting), rng)]
        share = draw_beta(self.alpha, self.alpha, (), rng)
        order = torch.randperm(len(x), generator=rng, device=x.device)
        with torch.no_grad():
            mixed, weight = self.mixed(x, saliency(model, x, y), order, share, grid)
        logits = model(mixed)
        each = weight * self.cross_entropy(logits, y, "none")
        return (each + (1 - weight) * self.cross_entropy(logits, y[order], "none")).mean()

    def mixed(self, x: Tensor, salient: Tensor, order: Tensor, share: Tensor, grid: int) -> tuple[Tensor, Tensor]:
        """Returns the mixed images (B, C, H, W), and the share (B,) that x's label has in each.

        salient: (B, H, W), >= 0. order: (B,), the partners. share: lambda, a scalar tensor.
        """
        s = puzzle.shares(puzzle.block_means(salient, grid))
        z = puzzle.solve_mask(self._problem(x, s, order, share, grid))
        partner = x[order]
        if self.xi is not None:
            x = self._moved(x, s, z, grid)
            partner = self._moved(partner, s[order], 1 - z, grid)
        rows, columns = x.shape[2] // grid, x.shape[3] // grid
        mask = z.repeat_interleave(rows, 1).repeat_interleave(columns, 2)[:, None]
        return mask * x + (1 - mask) * partner, z.mean((1, 2))

    def _problem(self, x: Tensor, s: Tensor, order: Tensor, share: Tensor, grid: int) -> puzzle.MaskProblem:
        levels = torch.arange(self.levels + 1, device=x.device) / self.levels
        level = levels[:, None, None, None]
        prior = puzzle.binomial_cost(self.levels, share)[:, None, None, None]
        lost = (1 - level) * s + level * s[order]
        smooth = self.beta / (16 * grid)
        down, across = puzzle.border_costs(x, x[order], grid)
        scale = smooth * self.gamma
        return puzzle.MaskProblem(levels, lost + self.eta / grid**2 * prior, smooth, scale * down, scale * across)

    def _moved(self, x: Tensor, s: Tensor, shown: Tensor, grid: int) -> Tensor:
        assert self.xi is not None, "the caller has checked it"
        return puzzle.move_blocks(x, puzzle.transport(puzzle.transport_cost(s, shown, self.xi)), grid)


@torch.enable_grad()
def saliency(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Returns the norm over channels of the gradient of CE(model(x), y) with respect to x, (B, H, W).

    The model is in evaluation mode meanwhile; neither its statistics nor its gradients change.
    """
    at = x.detach().requires_grad_()
    with evaluating(model):
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y, reduction="sum"), at)
    length: Tensor = torch.linalg.vector_norm(gradient.float(), dim=1)
    return length


METHOD = PuzzleMix
