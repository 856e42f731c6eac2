"""AugMix, batched on the device: every image has its own chains, and no image is treated alone."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from trainers.parts import affine, tone
from trainers.parts.draws import beta, deal, dirichlet

OPERATORS = (
    "autocontrast", "equalize", "posterize", "solarize",
    "rotate", "shear_x", "shear_y", "translate_x", "translate_y",
)  # fmt: skip
"""The order in which `augment` takes them. Colour, contrast, brightness and sharpness overlap the test
corruptions."""
DEPTHS = 3
"""A chain's depth is uniform in {1, ..., DEPTHS}."""


def augmix(
    x: Tensor,
    rng: Generator,
    *,
    views: int = 1,
    width: int = 3,
    depth: int | None = None,
    severity: float = 3,
    alpha: float = 1.0,
) -> Tensor:
    """Returns (1 - m) x + m * sum_i w_i chain_i(x), `views` times with draws of their own, in [0, 1].

    Source: Hendrycks et al. 2020, algorithm 1. w ~ Dirichlet(alpha, ..., alpha) over `width` chains and
    m ~ Beta(alpha, alpha), one draw per image. A chain is 1, 2 or 3 operators (uniform), or `depth` of them;
    each is uniform over OPERATORS, with its own level ~ U(0.1, severity), 0.1 <= severity <= 10, and sign.
    Chains see 8-bit values. x: (B, C, H, W) in [0, 1]; the result is (views * B, C, H, W), view after view.

    For one image all of these are independent. Across a batch, operators and depths are dealt out evenly
    (see `deal`), so that all images with the same operator are treated together: shapes are static and
    nothing waits for the device.
    """
    options = {"severity": severity, "alpha": alpha}
    chains, weights, m = draw_chains(x, rng, views=views, width=width, depth=depth, **options)
    shares = (weights * m[:, None] / 255)[..., None, None, None]
    mixed = x * (1 - m).view(views, -1, 1, 1, 1)
    buffer = torch.empty_like(mixed)
    for chain, share in zip(chains.unbind(1), shares.unbind(1), strict=True):
        mixed.addcmul_(buffer.copy_(chain), share)
    return mixed.clamp_(0, 1).flatten(0, 1)


def draw_chains(
    x: Tensor,
    rng: Generator,
    *,
    views: int = 1,
    width: int = 3,
    depth: int | None = None,
    severity: float = 3,
    alpha: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns what `augmix` mixes: the chains' images (views, width, B, C, H, W) uint8, their weights w
    (views, width, B) and m (views, B)."""
    weights = dirichlet(alpha, (views, width, len(x)), rng, over=1)
    m = beta(alpha, alpha, (views, len(x)), rng)
    chains = chain_images(x, rng, count=views * width, depth=depth, severity=severity)
    return chains.view(views, width, *x.shape), weights, m


def chain_images(x: Tensor, rng: Generator, *, count: int = 3, depth: int | None = None, severity: float = 3) -> Tensor:
    """Returns what `count` chains make of each image, (count, B, C, H, W) uint8; the rest is as in `augmix`."""

    def operate(images: Tensor) -> Tensor:
        level = torch.empty(len(images), device=x.device).uniform_(0.1, severity, generator=rng)
        sign = torch.randint(0, 2, (len(images),), generator=rng, device=x.device) * 2 - 1
        return augment(images, level, sign)

    pixels = (x * 255).round_().to(torch.uint8)
    return random_chains(pixels, rng, operate, len(OPERATORS), count=count, depth=depth)


def augment(x: Tensor, level: Tensor, sign: Tensor) -> Tensor:
    """Applies each operator to an equal run of images, in the order of OPERATORS; returns a new tensor.

    x: (9 n, C, H, W) uint8. level: (9 n,) in [0, 10]. sign: (9 n,), 1 or -1. At level 10 an image is turned
    by 30 degrees, sheared by 0.3 or moved by a third of its size; it keeps 4 - int(4 level / 10) bits, and
    is inverted from 256 - int(256 level / 10) on. Degrees and pixels are whole, as published.
    """
    part = x.chunk(len(OPERATORS))
    strength = level.view(len(OPERATORS), -1)
    signed = strength * sign.view(len(OPERATORS), -1)
    columns, rows = (signed[7] * (x.shape[3] / 30)).trunc(), (signed[8] * (x.shape[2] / 30)).trunc()
    still = torch.zeros_like(columns)
    return torch.cat(
        [
            tone.autocontrast(part[0]),
            tone.equalize(part[1]),
            tone.posterize(part[2], 4 - (strength[2] * 0.4).long()),
            tone.solarize(part[3], 256 - (strength[3] * 25.6).long()),
            affine.rotate(part[4], (signed[4] * 3).trunc()),
            affine.shear_x(part[5], signed[5] * 0.03),
            affine.shear_y(part[6], signed[6] * 0.03),
            affine.shift(x[-2 * len(part[0]) :], torch.cat([columns, still]), torch.cat([still, rows])),
        ]
    )


def random_chains(
    pixels: Tensor,
    rng: Generator,
    operate: Callable[[Tensor], Tensor],
    operators: int,
    *,
    count: int,
    depth: int | None,
) -> Tensor:
    """Returns the results of `count` chains for every image (B, C, H, W), as (count, B, C, H, W).

    A chain is 1, 2 or 3 of the operators, or `depth` of them. operate: takes `operators` equal runs of images, one
    after another, and returns what operator i makes of run i.
    """
    depths = DEPTHS if depth is None else 1
    run = math.ceil(len(pixels) / depths)
    at, place = deal(count, len(pixels), depths * run, rng)
    results, finished, before = [pixels], list[Tensor](), 0
    for step in range(depth or DEPTHS):
        left = depths * run if depth else (DEPTHS - step) * run
        finished.insert(0, at[:, left:] + before)
        # Where results of this step will lie among all.
        before += len(results[-1])
        images, at = _step(results[-1], at[:, :left], rng, operate, operators)
        results.append(images)
    ordered = torch.cat([at + before, *finished], 1).gather(1, place)
    return torch.cat(results).index_select(0, ordered.flatten()).view(count, *pixels.shape)


def _step(
    images: Tensor, at: Tensor, rng: Generator, operate: Callable[[Tensor], Tensor], operators: int
) -> tuple[Tensor, Tensor]:
    """Applies one operator to each of images[at], dealt out evenly within each chain; at (chains, n).

    Returns the results and where each lies among them, (chains, n).
    """
    count, n = at.shape
    run = math.ceil(n / operators)
    item, place = deal(count, n, operators * run, rng)
    # The images of one operator lie together: (operator, chain, run).
    source = at.gather(1, item).view(count, operators, run).transpose(0, 1).flatten()
    result = operate(images.index_select(0, source))
    hand = torch.arange(count, device=at.device)[:, None]
    return result, (place // run * count + hand) * run + place % run
