"""Random noise of a norm: uniform in the p-norm ball, and impulses."""

import math

import torch
from torch import Generator, Tensor

from trainers.parts.draws import log_gamma


def uniform_in_ball(shape: tuple[int, ...], p: float, rng: Generator) -> Tensor:
    """Returns points (N, ...) drawn uniformly from the unit ball of the p-norm over all but the first dimension.

    Source: Calafiore et al. 1998: with |u_k| ~ Gamma(1/p, 1)^(1/p) and random signs, U^(1/d) u / ||u||_p is uniform in
    the ball of d dimensions; for p = 2 the u_k are Gaussian, for p = 1 exponential, and for p = inf the values are
    independent, U(-1, 1). p: > 0, or math.inf. float32, on the generator's device.
    """
    device = rng.device
    if p == math.inf:
        return torch.rand(shape, generator=rng, device=device).mul_(2).sub_(1)
    if p == 2:
        direction = torch.randn(shape, generator=rng, device=device)
    else:
        if p == 1:
            size = -(1 - torch.rand(shape, generator=rng, device=device)).log()
        else:
            size = (log_gamma(1 / p, shape, rng) / p).exp()
        direction = size * (torch.randint(0, 2, shape, generator=rng, device=device) * 2 - 1)
    places = direction[0].numel()
    norm = direction.flatten(1).abs().pow(p).sum(1).pow(1 / p)
    radius = torch.rand(len(direction), generator=rng, device=device).pow(1 / places)
    return direction * (radius / norm).view(-1, *[1] * (len(shape) - 1))


def salt_and_pepper(x: Tensor, share: Tensor, most: float, rng: Generator) -> Tensor:
    """Returns x with int(share * d) of an image's d values, drawn with replacement, set to 0 or 1 at random.

    x: (N, C, H, W), not written. share: (N,), in [0, most]. most: the largest, which fixes the shapes.
    """
    places = x[0].numel()
    count = int(most * places)
    at = torch.randint(places, (len(x), count), generator=rng, device=x.device)
    chosen = torch.arange(count, device=x.device) < (share * places).long()[:, None]
    # What is not chosen goes to a place of its own behind the image. A place that is drawn twice has one value: of two
    # that are written to it, a GPU keeps either.
    behind = torch.zeros(len(x), places + 1, dtype=torch.bool, device=x.device)
    changed = behind.scatter(1, torch.where(chosen, at, places), True)[:, :places]  # noqa: FBT003
    value = torch.randint(0, 2, (len(x), places), generator=rng, device=x.device).to(x.dtype)
    return torch.where(changed, value, x.flatten(1)).view_as(x)
