"""Noise of an exact L2 norm that keeps an image inside [0, 1]."""

import math

import torch
from torch import Tensor

PASSES, LAST_PASSES = 20, 8
"""Newton passes from zero, and from a start that a sample gave; Gaussian noise takes 6 and 3."""
SAMPLE = 4096
"""Pixels in such a sample, about."""
CACHE = 2**19
"""Pixels solved at a time on a CPU: what its cache holds. A GPU solves the whole batch at once."""


def per_pixel_rms(rms: float, x: Tensor) -> float:
    """Returns the L2 radius epsilon = rms * sqrt(d) of noise on images like x (B, ...), d values each."""
    return rms * math.sqrt(math.prod(x.shape[1:]))


def project(x: Tensor, delta: Tensor, epsilon: float, *, differentiate_gamma: bool = True) -> Tensor:
    """Returns clip(x + gamma * delta, 0, 1), gamma >= 0 such that its L2 distance from x is epsilon.

    Source: Rusak et al. 2020, footnote 3. The squared norm is concave and piecewise linear in gamma^2, and a
    Newton iteration on it climbs to the exact root from below, without sorting the breakpoints.
    x: (B, ...) in [0, 1]. delta: x's shape, any finite values. epsilon: L2 radius in pixel units, >= 0.
    An image that cannot get that far (saturated along delta) goes as far as it can; zero delta leaves it.
    Parts of delta below 1e-19 (float64: 1e-154) of an image's largest count as zero.
    differentiate_gamma: whether gradients flow through gamma, by the implicit function theorem (the published
        code differentiates through it), or take it as a constant.
    """
    with torch.no_grad():
        largest = torch.linalg.vector_norm(delta.flatten(1), torch.inf, dim=1)
        largest = _like(largest.clamp_min(torch.finfo(x.dtype).tiny), delta)
    unit = delta / largest
    with torch.no_grad():
        rows = len(x) if x.is_cuda else max(1, CACHE // math.prod(x.shape[1:]))
        pairs = zip(torch.split(x.flatten(1), rows), torch.split(unit.flatten(1), rows), strict=True)
        gamma, slope = torch.cat([_solve(*pair, epsilon) for pair in pairs], dim=1)
    gamma = _like(gamma, x)
    projected = torch.addcmul(x, unit, gamma).clamp_(0, 1)
    if not (differentiate_gamma and projected.requires_grad):
        return projected
    # dgamma = -(dF at fixed gamma) / (dF / dgamma), F the squared norm; `change` is 0 and carries just that.
    squared_norm = (projected - x).flatten(1).square().sum(1)
    change = (squared_norm.detach() - squared_norm) * slope.reciprocal().where(slope > 0, 0)
    return torch.addcmul(x, unit, gamma + _like(change, x)).clamp_(0, 1)


def _solve(x: Tensor, unit: Tensor, epsilon: float) -> Tensor:
    """Returns the root of F(gamma) = sum_i min(gamma^2 unit_i^2, room_i^2) = epsilon^2 and dF/dgamma, (2, B).

    x: (B, d) in [0, 1]. unit: (B, d) in [-1, 1]. Where F stays below, gamma is huge and dF/dgamma 0.
    """
    room = torch.where(unit > 0, 1 - x, x)
    breaks = room / unit.abs()
    pixels = (breaks, unit.square(), room.square_(), torch.empty_like(breaks))
    goal = torch.full_like(x[:, :1], epsilon**2)
    square, passes = torch.zeros_like(goal), PASSES
    if (step := x.shape[1] // SAMPLE | 1) > 1:
        # Every step-th pixel (odd: no column is left out), asked for a little less than its share, starts a
        # large image just left of its root, whatever the tails of delta; few passes then see all pixels.
        part = tuple(t[:, ::step].contiguous() for t in pixels)
        part_goal = torch.minimum(0.85 / step * goal, 0.9 * part[2].sum(1, keepdim=True))
        for _ in range(PASSES):
            square, _ = _newton(square, part, part_goal)
        square, _ = _newton(square, pixels, goal)
        passes = LAST_PASSES
    for _ in range(passes):
        following, slope = _newton(square, pixels, goal)
        square = torch.maximum(square, following)
    gamma = square.sqrt()
    return torch.stack([gamma[:, 0], (2 * gamma * slope)[:, 0]])


def _newton(square: Tensor, pixels: tuple[Tensor, ...], goal: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the next gamma^2 (B, 1), never right of the root of F = goal, and F's slope at the given one.

    pixels: each one's breakpoint in gamma, unit^2, room^2, and space for a temporary, which is overwritten.
    """
    breaks, unit2, room2, mask = pixels
    gamma, tiny = square.sqrt(), torch.finfo(breaks.dtype).tiny
    # Two sums over disjoint pixels, not a difference of two: no digits cancel.
    slope = torch.gt(breaks, gamma, out=mask).mul_(unit2).sum(1, keepdim=True)
    saturated = torch.le(breaks, gamma, out=mask).mul_(room2).sum(1, keepdim=True)
    return ((goal - saturated) / slope.clamp_min(tiny)).clamp(0, 1 / tiny), slope


def _like(per_image: Tensor, x: Tensor) -> Tensor:
    return per_image.view(-1, *[1] * (x.dim() - 1))
