"""Edge maps and distances of batches of one-channel images (B, H, W)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from study.evaluation.corruptions import linear


def gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the Sobel derivatives (weights 1 2 1, not normalised) along the rows and along the columns,
    edges
    repeated."""
    padded = F.pad(x[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    across = padded[:, :, 2:] - padded[:, :, :-2]
    down = padded[:, 2:] - padded[:, :-2]
    return (
        down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:],
        across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:],
    )


def canny(x: Tensor, sigma: float, low: float, high: float) -> Tensor:
    """Returns the edges of x (B, H, W) as a boolean mask, never on the outermost pixels.

    Blur by `sigma` (black outside, divided by the blur of ones), Sobel, the magnitude's local maxima along
    its direction with neighbours interpolated linearly, and those above `low` that touch, in any of eight
    directions, a chain that passes `high` (Canny 1986, as scikit-image does it).
    """
    rows, columns = (linear.gaussian_matrix(n, sigma, x, border="zeros") for n in x.shape[-2:])
    rows, columns = (matrix / matrix.sum(1, keepdim=True) for matrix in (rows, columns))
    down, right = gradients(linear.separable(x, rows, columns))
    magnitude = torch.hypot(down, right)
    peak = _interpolated_peaks(magnitude, down, right)
    inside = torch.zeros_like(peak)
    inside[:, 1:-1, 1:-1] = peak[:, 1:-1, 1:-1] & (magnitude[:, 1:-1, 1:-1] > 0)
    return _linked(inside & (magnitude >= low), inside & (magnitude >= high))


def canny_coarse(x: Tensor, low: float, high: float) -> Tensor:
    """Returns the edges of x (B, H, W) as a boolean mask: L1 magnitude, its direction rounded to a multiple
    of 45
    degrees, no blur (as OpenCV does it by default)."""
    down, right = gradients(x)
    magnitude = down.abs() + right.abs()
    n = _neighbours(magnitude)
    flat, steep = down.abs() < _TAN_22 * right.abs(), down.abs() > right.abs() / _TAN_22
    same = down * right >= 0
    before = torch.where(flat, n[0, -1], torch.where(steep, n[-1, 0], torch.where(same, n[-1, -1], n[-1, 1])))
    after = torch.where(flat, n[0, 1], torch.where(steep, n[1, 0], torch.where(same, n[1, 1], n[1, -1])))
    straight = flat | steep
    peak = (magnitude > before) & torch.where(straight, magnitude >= after, magnitude > after)
    return _linked(peak & (magnitude > low), peak & (magnitude > high))


_TAN_22 = 2**0.5 - 1


def _neighbours(x: Tensor) -> dict[tuple[int, int], Tensor]:
    """Returns x (B, H, W) read one pixel away, 0 outside, by (down, right)."""
    padded = F.pad(x, (1, 1, 1, 1))
    height, width = x.shape[-2:]
    steps = (-1, 0, 1)
    return {(i, j): padded[:, 1 + i : 1 + i + height, 1 + j : 1 + j + width] for i in steps for j in steps}


def _interpolated_peaks(magnitude: Tensor, down: Tensor, right: Tensor) -> Tensor:
    n = _neighbours(magnitude)
    steep = down.abs() >= right.abs()
    share = torch.minimum(down.abs(), right.abs()) / torch.maximum(down.abs(), right.abs()).clamp(min=1e-30)
    same = down * right >= 0
    peak = torch.ones_like(steep)
    for side in (1, -1):
        straight = torch.where(steep, n[side, 0], n[0, side])
        falling = n[side, side]
        rising = torch.where(steep, n[side, -side], n[-side, side])
        beside = straight * (1 - share) + torch.where(same, falling, rising) * share
        peak &= beside <= magnitude
    return peak


def _linked(weak: Tensor, strong: Tensor) -> Tensor:
    """Returns the weak pixels connected to strong ones through weak ones, in eight directions."""
    reached = strong
    while True:
        padded = F.pad(reached, (1, 1, 1, 1))
        grown = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
        grown = (grown[:, :, :-2] | grown[:, :, 1:-1] | grown[:, :, 2:]) & weak
        if torch.equal(grown, reached):
            return reached
        reached = grown


def distance(mask: Tensor, limit: int) -> Tensor:
    """Returns each pixel's Euclidean distance in pixels to the nearest True of the mask (B, H, W), at most
    `limit`.
    """
    across = torch.where(mask, 0.0, float(limit))
    for _ in range(min(limit, mask.shape[2])):
        padded = F.pad(across, (1, 1), value=float(limit))
        across = torch.minimum(across, torch.minimum(padded[:, :, :-2], padded[:, :, 2:]) + 1)
    squared = across.square()
    height, reach = mask.shape[1], min(limit, mask.shape[1] - 1)
    padded = F.pad(squared, (0, 0, reach, reach), value=float(limit**2))
    for shift in range(-reach, reach + 1):
        squared = torch.minimum(squared, padded[:, reach + shift : reach + shift + height] + shift**2)
    return squared.sqrt()
