"""PRIME's three random image transformations of most entropy: of the spectrum, of space and of colour.

Source: Modas et al. 2022, "PRIME: A few primitives can boost robustness to common corruptions". Images are (N, C, H, W)
float in [0, 1]; every draw is an image's own, and nothing writes its input.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from trainers.parts.draws import beta

KERNEL = 3
SPATIAL_CUT = (3, 100)
"""Range of the highest frequency c_max of a displacement field."""
COLOUR_CUT = 100
"""Most frequencies K of a colour map."""


def filtered(x: Tensor, most: float, rng: Generator) -> Tensor:
    """Returns clip(x * k), k = delta + s n, 3 x 3, n ~ N(0, I), s ~ U(0, most); one kernel an image, for all channels.

    Outside is 0. (The authors' code places delta in the kernel's corner, which also moves the image by one pixel.)
    """
    n, channels = x.shape[:2]
    strength = torch.rand((n, 1, 1, 1), generator=rng, device=x.device) * most
    kernel = strength * torch.randn((n, 1, KERNEL, KERNEL), generator=rng, device=x.device)
    kernel[:, :, KERNEL // 2, KERNEL // 2] += 1
    weight = kernel.to(x.dtype).expand(-1, channels, -1, -1).reshape(n * channels, 1, KERNEL, KERNEL)
    planes = F.conv2d(x.reshape(1, n * channels, *x.shape[2:]), weight, padding=KERNEL // 2, groups=n * channels)
    return planes.view_as(x).clamp(0, 1)


def displaced(x: Tensor, rng: Generator) -> Tensor:
    """Returns x read at p + sqrt(T) S u(p), bilinear, border pixels repeated; S the size in pixels.

    u, of each direction: sum over i^2 + j^2 < (c + 1/2)^2 of n_ij / sqrt(i^2 + j^2) sin(i pi a) sin(j pi b) at (a, b)
    in [0, 1]^2, n ~ N(0, 1). c = int(2 + Beta(1/2, 1/2) (c_max - 1)), c_max uniform in 3 to 100; T lies between
    1 / (pi S^2 ln c) and the larger of that and 4 / (pi^3 c^2 ln c), by Beta(1/2, 1/2). (The authors' code draws one
    field a batch.) Frequencies above S, which no pixel shows, are drawn and left out.
    """
    n, _, height, width = x.shape
    size = math.sqrt(height * width)
    low, high = SPATIAL_CUT
    c_max = torch.randint(low, high + 1, (n,), generator=rng, device=x.device)
    c = (2 + beta(0.5, 0.5, (n,), rng) * (c_max - 1)).floor()
    least = 1 / (math.pi * size**2 * c.log())
    most = torch.maximum(least, 4 / (math.pi**3 * c.square() * c.log()))
    temperature = least + beta(0.5, 0.5, (n,), rng) * (most - least)
    field = _sine_field(height, width, c, rng)
    moved = field * (temperature.sqrt() * size).view(-1, 1, 1, 1)
    columns = torch.arange(width, device=x.device) + 0.5
    rows = (torch.arange(height, device=x.device) + 0.5)[:, None]
    source = torch.stack([(columns + moved[:, 0]) * (2 / width), (rows + moved[:, 1]) * (2 / height)], -1) - 1
    return F.grid_sample(x, source.to(x.dtype), mode="bilinear", padding_mode="border", align_corners=False)


def recoloured(x: Tensor, most: float, rng: Generator) -> Tensor:
    """Returns clip(x + sqrt(T) sum_{k <= K} n_k sin(pi k x)), n ~ N(0, 1) of each image and channel.

    K is uniform in 1 to 100 and T in (0, most), of each image. The sum is Clenshaw's recurrence: b_k = a_k + 2 cos(t)
    b_{k+1} - b_{k+2}, which ends in b_1 sin(t); two operations a term and no sine but one.
    """
    n, channels = x.shape[:2]
    highest = torch.randint(1, COLOUR_CUT + 1, (n, 1, 1), generator=rng, device=x.device)
    scale = (torch.rand((n, 1, 1), generator=rng, device=x.device) * most).sqrt()
    drawn = torch.randn((n, channels, COLOUR_CUT), generator=rng, device=x.device)
    coefficients = drawn * scale * (torch.arange(1, COLOUR_CUT + 1, device=x.device) <= highest)
    angle = x.float() * math.pi
    twice_cos = angle.cos().mul_(2)
    following, later = torch.zeros_like(angle), torch.zeros_like(angle)
    for k in range(COLOUR_CUT - 1, -1, -1):
        # later <- a_k + 2 cos * following - later, and the two change places
        later = later.neg_().addcmul_(twice_cos, following).add_(coefficients[:, :, k, None, None])
        following, later = later, following
    return (x + (following * angle.sin()).to(x.dtype)).clamp(0, 1)


def _sine_field(height: int, width: int, c: Tensor, rng: Generator) -> Tensor:
    """Returns u (N, 2, H, W), see `displaced`; c (N,)."""
    cut = min(SPATIAL_CUT[1], max(height, width))
    frequency = torch.arange(1, cut + 1, device=c.device)
    square = frequency[:, None].square() + frequency.square()
    within = square < (c + 0.5).square().view(-1, 1, 1)
    drawn = torch.randn((len(c), 2, cut, cut), generator=rng, device=c.device)
    coefficients = drawn * (within / square.sqrt())[:, None]
    across = torch.linspace(0, 1, width, device=c.device)
    down = torch.linspace(0, 1, height, device=c.device)
    by_row = (math.pi * frequency[:, None] * down).sin()
    by_column = (math.pi * frequency[:, None] * across).sin()
    return by_row.T @ coefficients @ by_column
