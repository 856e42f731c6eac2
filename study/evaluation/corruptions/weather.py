"""Weather corruptions of ImageNet-C."""

import torch
from torch import Generator, Tensor

from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, Levels, column


def fog(x: Tensor, level: Level, rng: Generator) -> Tensor:
    """(x + a * plasma) * m / (m + a), m the image's largest value. level: (a, decay of the plasma's detail)."""
    height, width = x.shape[-2:]
    haze = plasma(x, level[1], rng)[:, None, :height, :width]
    peak = x.amax((1, 2, 3), keepdim=True)
    return (x + level[0] * haze) * peak / (peak + level[0])


def plasma(x: Tensor, decay: float, rng: Generator) -> Tensor:
    """Returns one diamond-square height map a image of x, (B, M, M) in [0, 1], M the next power of two.

    Each halving of the step w draws uniform in +-w^2 around the mean of four neighbours (the map wraps around), then
    divides w by `decay`. The first w, and with it the unit, cancels in the normalisation.
    """
    size = 1 << (max(x.shape[-2:]) - 1).bit_length()
    grid = torch.zeros(len(x), size, size, device=x.device, dtype=x.dtype)
    step, wobble = size, 1.0
    while step >= 2:
        half = step // 2
        corners = grid[:, ::step, ::step]
        spread = wobble**2

        def around(total: Tensor, spread: float = spread) -> Tensor:
            return total.div_(4).add_(torch.empty_like(total).uniform_(-spread, spread, generator=rng))

        sums = corners + corners.roll(-1, 1)
        middle = around(sums + sums.roll(-1, 2))
        grid[:, half::step, half::step] = middle
        grid[:, ::step, half::step] = around(middle + middle.roll(1, 1) + corners + corners.roll(-1, 2))
        grid[:, half::step, ::step] = around(middle + middle.roll(1, 2) + corners + corners.roll(-1, 1))
        step, wobble = half, wobble / decay
    grid -= grid.amin((1, 2), keepdim=True)
    return grid / grid.amax((1, 2), keepdim=True)


def brightness(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """HSV value + c at the same hue and saturation: all channels times v' / v, v the largest of them. level: (c)."""
    value = x.amax(1, keepdim=True)
    lifted = (value + level[0]).clamp_(max=1)
    return torch.where(value > 0, x * (lifted / value.clamp(min=1e-12)), lifted)


CORRUPTIONS = (
    Corruption(
        "fog",
        "weather",
        fog,
        Levels(
            floors=(None, None),
            cifar=((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)),
            imagenet=((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
        ),
    ),
    Corruption(
        "brightness",
        "weather",
        brightness,
        Levels(floors=(None,), cifar=column(0.05, 0.1, 0.15, 0.2, 0.3), imagenet=column(0.1, 0.2, 0.3, 0.4, 0.5)),
    ),
)
