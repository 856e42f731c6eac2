"""Random draws that torch offers no generator for, and that need no answer from the device."""

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

PROPOSALS = 8
"""Tries a gamma draw has; each is refused with probability < 0.05, so all are with < 4e-11."""


def log_gamma(concentration: float, shape: tuple[int, ...], rng: Generator) -> Tensor:
    """Returns log g, g ~ Gamma(concentration, 1), of the shape, on the generator's device.

    Source: Marsaglia and Tsang 2000: with d = a - 1/3 and n ~ N(0, 1), d * (1 + n / sqrt(9 d))^3 is
    Gamma(a), a >= 1, if accepted; below 1, Gamma(a) = Gamma(a + 1) * U^(1/a). The logarithm keeps small
    concentrations from underflow. A fixed number of proposals instead of a loop until success keeps the
    shapes static. concentration: > 0.
    """
    d = concentration - 1 / 3 if concentration >= 1 else concentration + 2 / 3
    tries = (PROPOSALS, *shape)
    n = torch.randn(tries, generator=rng, device=rng.device)
    u = 1 - torch.rand(tries, generator=rng, device=rng.device)
    v = (1 + n / math.sqrt(9 * d)).clamp(min=1e-10) ** 3
    accepted = u.log() < n.square() / 2 + d - d * v + d * v.log()
    order = torch.arange(PROPOSALS, device=rng.device).view(-1, *[1] * len(shape))
    first = torch.where(accepted, order, PROPOSALS - 1).amin(0, keepdim=True)
    drawn = math.log(d) + v.gather(0, first).squeeze(0).log()
    if concentration >= 1:
        return drawn
    return drawn + (1 - torch.rand(shape, generator=rng, device=rng.device)).log() / concentration


def beta(a: float, b: float, shape: tuple[int, ...], rng: Generator) -> Tensor:
    """Returns draws of Beta(a, b), of the shape, in [0, 1]: g_a / (g_a + g_b) of two gamma draws. a, b: >
    0."""
    return torch.sigmoid(log_gamma(a, shape, rng) - log_gamma(b, shape, rng))


def dirichlet(concentration: float, shape: tuple[int, ...], rng: Generator, *, over: int) -> Tensor:
    """Returns draws of the symmetric Dirichlet over dimension `over` of the shape, along which they sum to
    1."""
    return log_gamma(concentration, shape, rng).softmax(over)


def host_index(count: int, rng: Generator) -> int:
    """Returns an integer in [0, count) as a plain Python number, without waiting for the device.

    A number that decides which code runs must be known on the host, and a draw on the device would have to
    be waited for. torch keeps a generator's state on the host: the number is a hash of it, so that it is a
    function of the generator and of nothing else (a restored generator gives the same). The generator is
    then advanced by one draw.
    """
    digest = hashlib.blake2b(rng.get_state().numpy().tobytes(), digest_size=8).digest()
    torch.rand((), generator=rng, device=rng.device)
    return int.from_bytes(digest, "little") % count


def deal_pixels(x: Tensor, kinds: int, rng: Generator) -> tuple[tuple[Tensor, ...], Tensor]:
    """Deals the images x (B, C, H, W) in [0, 1] evenly to `kinds` kinds of change, see `deal`.

    Returns the 8-bit images of each kind, as many for every one, and where the B images lie among all of them, which
    `gathered` takes.
    """
    run = math.ceil(len(x) / kinds)
    item, place = deal(1, len(x), kinds * run, rng)
    return (x * 255).round().to(torch.uint8).index_select(0, item[0]).chunk(kinds), place[0]


def gathered(parts: Sequence[Tensor], place: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the images that `deal_pixels` dealt, in their own order again and in [0, 1]; parts: of each kind."""
    return torch.cat(list(parts)).index_select(0, place).to(dtype) / 255


def deal(hands: int, count: int, places: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Deals `count` items to `places` >= count places, in `hands` independent ways.

    Returns the item at each place (hands, places) and the place of each item (hands, count). Every item's
    place is uniform over all places, and independent between hands. Places left over hold copies of the last
    item. Cutting the places into equal runs draws a uniform choice for every item while the number of items a
    choice gets is fixed: each choice's images can be treated together, at a shape known beforehand.
    """
    order = torch.rand((hands, places), generator=rng, device=rng.device).argsort(1)
    place = torch.empty_like(order).scatter_(1, order, torch.arange(places, device=rng.device).expand(hands, -1))
    return order.clamp(max=count - 1), place[:, :count]
