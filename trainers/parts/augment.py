"""AugMix, batched on the device: every image has its own chains, and no image is treated alone."""

import math

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
TONES = 4
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
    pixels = (x * 255).round().to(torch.uint8)
    weights = dirichlet(alpha, (views, width, len(x)), rng, over=1)
    m = beta(alpha, alpha, (views, 1, len(x)), rng)
    chains = _chains(pixels, rng, count=views * width, depth=depth, severity=severity)
    shares = (weights * m / 255)[..., None, None, None]
    mixed = x * (1 - m).view(views, -1, 1, 1, 1)
    for i in range(width):
        mixed.addcmul_(chains.view(views, width, *x.shape)[:, i], shares[:, i])
    return mixed.clamp_(0, 1).flatten(0, 1)


def augment(x: Tensor, level: Tensor, sign: Tensor) -> Tensor:
    """Applies each operator to an equal run of images, in the order of OPERATORS; returns a new tensor.

    x: (9 n, C, H, W) uint8. level: (9 n,) in [0, 10]. sign: (9 n,), 1 or -1. At level 10 an image is turned
    by 30 degrees, sheared by 0.3 or moved by a third of its size; it keeps 4 - int(4 level / 10) bits, and
    is inverted from 256 - int(256 level / 10) on. Degrees and pixels are whole, as published.
    """
    height, width = x.shape[2:]
    part = [level.view(len(OPERATORS), -1)[i] for i in range(len(OPERATORS))]
    signed = [(level * sign).view(len(OPERATORS), -1)[i] for i in range(len(OPERATORS))]
    n, channels = len(part[0]), x.shape[1]
    counts = tone.histogram(x[: 2 * n])
    tables = torch.cat(
        [
            tone.autocontrast_table(counts[:n]),
            tone.equalize_table(counts[n:]),
            tone.posterize_table(4 - (part[2] * 0.4).long(), channels),
            tone.solarize_table(256 - (part[3] * 25.6).long(), channels),
        ]
    )
    matrices = torch.cat(
        [
            affine.rotation((signed[4] * 3).trunc(), height, width),
            affine.shear_x(signed[5] * 0.03),
            affine.shear_y(signed[6] * 0.03),
            affine.translation_x((signed[7] * (width / 30)).trunc()),
            affine.translation_y((signed[8] * (height / 30)).trunc()),
        ]
    )
    split = TONES * n
    return torch.cat([tone.look_up(x[:split], tables), affine.warp(x[split:], matrices)])


def _chains(pixels: Tensor, rng: Generator, *, count: int, depth: int | None, severity: float) -> Tensor:
    """Returns the results of `count` chains for every image, (count, B, C, H, W) uint8."""
    depths = DEPTHS if depth is None else 1
    run = math.ceil(len(pixels) / depths)
    item, place = deal(count, len(pixels), depths * run, rng)
    state = _take(pixels, item)
    finished: list[Tensor] = []
    for step in range(depth or DEPTHS):
        left = depths * run if depth else (DEPTHS - step) * run
        finished.insert(0, state[:, left:])
        state = _step(state[:, :left], rng, severity)
    ordered = torch.cat([state, *finished], 1)
    hand = torch.arange(count, device=pixels.device)[:, None] * ordered.shape[1]
    return _take(ordered.flatten(0, 1), place + hand)


def _step(state: Tensor, rng: Generator, severity: float) -> Tensor:
    """Applies one operator to each image of state (chains, n, C, H, W), dealt out evenly within each
    chain."""
    count, n = state.shape[:2]
    run = math.ceil(n / len(OPERATORS))
    item, place = deal(count, n, len(OPERATORS) * run, rng)
    hand = torch.arange(count, device=state.device)[:, None]
    # The images of one operator lie together: (operator, chain, run).
    source = (item + hand * n).view(count, len(OPERATORS), run).transpose(0, 1)
    level = torch.empty(source.numel(), device=state.device).uniform_(0.1, severity, generator=rng)
    sign = torch.randint(0, 2, (source.numel(),), generator=rng, device=state.device) * 2 - 1
    result = augment(state.flatten(0, 1).index_select(0, source.flatten()), level, sign)
    back = (place // run * count + hand) * run + place % run
    return _take(result, back)


def _take(images: Tensor, index: Tensor) -> Tensor:
    """Returns images[index], (*index.shape, C, H, W)."""
    return images.index_select(0, index.flatten()).view(*index.shape, *images.shape[1:])
