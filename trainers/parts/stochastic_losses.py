"""Closed-form losses of a classifier whose margin is a Gaussian, after Arous et al. 2023 (arXiv 2312.08877).

With logits z and label y the smooth margin is m = z_y - logsumexp_{j != y} z_j, so that sigmoid(m) is the
softmax probability of y and softplus(-m) the cross-entropy. Noise in the network makes the margin M ~ N(m,
v).
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Literal["mse", "prob", "mse+prob", "ece2", "bound", "probit"]


def smooth_margin(logits: Tensor, y: Tensor) -> Tensor:
    """Returns m = z_y - logsumexp_{j != y} z_j (B,), of logits (B, K), K > 1, and labels (B,).

    Logits of less than 32 bits are widened first: the losses that follow need more than bfloat16 has.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    label = y.unsqueeze(1)
    others = logits.scatter(1, label, -math.inf)
    return logits.gather(1, label).squeeze(1) - others.logsumexp(1)


def pair_margins(logits: Tensor, y: Tensor, count: int) -> Tensor:
    """Returns m_j = z_y - z_j (B, min(count, K - 1)) for the `count` likeliest wrong classes j, the likeliest first.

    Which classes those are is not differentiated. Logits are widened as in `smooth_margin`.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    label = y.unsqueeze(1)
    ranked = logits.detach().scatter(1, label, -math.inf).topk(min(count, logits.shape[1] - 1), 1).indices
    return logits.gather(1, label) - logits.gather(1, ranked)


def mse(m: Tensor, v: Tensor) -> Tensor:
    """Returns (1 - q)^2 + (q (1 - q))^2 v, q = sigmoid(m): E[(1 - sigmoid(M))^2] to first order, squared bias
    plus variance.
    """
    q = m.sigmoid()
    return (1 - q).square() + (q * (1 - q)).square() * v


def prob(m: Tensor, v: Tensor) -> Tensor:
    """Returns -log Phi(m / sqrt(v + 1)) = -log P(M + e > 0), e ~ N(0, 1).

    The unit of e keeps it finite at v = 0. ALONE it is masked: it looks robust under PGD and is not
    (docs/learned_sigma_notes.md).
    """
    log_probability: Tensor = torch.special.log_ndtr(m * (v + 1).rsqrt())
    return -log_probability


def mse_prob(m: Tensor, v: Tensor) -> Tensor:
    """Returns mse + prob, the two terms the paper's summary names."""
    return mse(m, v) + prob(m, v)


def ece2(m: Tensor, v: Tensor) -> Tensor:
    """Returns softplus(-m) + q (1 - q) v / 2: E[softplus(-M)], the expected cross-entropy, to second
    order.
    """
    q = m.sigmoid()
    return F.softplus(-m) + q * (1 - q) * v / 2


def bound(m: Tensor, v: Tensor) -> Tensor:
    """Returns softplus(-m + v / 2) = log(1 + E[exp(-M)]) >= E[softplus(-M)], by Jensen's inequality."""
    return F.softplus(v / 2 - m)


def probit(m: Tensor, v: Tensor) -> Tensor:
    """Returns softplus(-m / sqrt(1 + pi v / 8)): -log E[sigmoid(M)], by the probit approximation of the
    sigmoid.

    ALONE it is masked, like `prob`.
    """
    return F.softplus(-m * (1 + math.pi / 8 * v).rsqrt())


LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": mse,
    "prob": prob,
    "mse+prob": mse_prob,
    "ece2": ece2,
    "bound": bound,
    "probit": probit,
}
"""Each takes the margin's mean m (B,) and variance v (B,) >= 0 and returns (B,)."""


def information_price(sigma: Tensor, sigma_0: float) -> Tensor:
    """Returns the mean over sigma of KL(N(0, sigma^2) || N(0, sigma_0^2)) = ((sigma/sigma_0)^2 - 1 - 2
    log(sigma/sigma_0)) / 2.

    It is 0 at sigma_0 and grows without bound as sigma falls to 0: what the channel "image -> noisy first
    layer" costs.
    sigma: (1,) or (C,), > 0; the mean keeps the price's meaning whatever the number of channels.
    """
    ratio = sigma / sigma_0
    return ((ratio.square() - 1) / 2 - ratio.log()).mean()
