"""Noise injections of noisy feature mixup: additive, multiplicative, and neither on a random share of the
elements."""

import torch
from torch import Generator, Tensor

from trainers.parts.draws import beta


def inject(x: Tensor, additive: Tensor, multiplicative: Tensor, sparse: float, rng: Generator) -> Tensor:
    """Returns (1 + multiplicative * (2 U - 1) * k) * x + additive * n * k, a new tensor.

    U ~ U(0, 1), n ~ N(0, 1) and k ~ Bernoulli(1 - sparse), each drawn per element (NoisyMix section 3.1; Lim
    et al. 2022).
    x: (N, ...), images or features. additive, multiplicative: (N,), >= 0; 0 in both returns x's values.
    sparse: share of elements that get neither noise, in [0, 1). (In the published code the two are left out
    independently.)
    """
    # One uniform serves twice: given that it is >= sparse, (u - sparse) / (1 - sparse) is uniform again.
    u = torch.rand(x.shape, generator=rng, device=x.device)
    chosen = u >= sparse
    swing = ((u - sparse) * (2 / (1 - sparse)) - 1).to(x.dtype)
    normal = torch.empty_like(x).normal_(generator=rng)
    shape = (-1, *[1] * (x.dim() - 1))
    noise = swing * multiplicative.to(x.dtype).view(shape) * x + normal * additive.to(x.dtype).view(shape)
    return x + noise * chosen


def draw_strengths(levels: Tensor, images: int, rng: Generator) -> Tensor:
    """Returns levels[v] * b_v, b_v ~ Beta(2, 5), one draw a view, repeated for its images: (V * images,)."""
    return (levels * beta(2, 5, (len(levels),), rng)).repeat_interleave(images)
