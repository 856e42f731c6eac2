"""Losses on logits that several methods share. All return scalars, means over the batch."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def mixed_cross_entropy(
    logits: Tensor, y: Tensor, weight: Tensor, order: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """Returns weight * CE(logits, y) + (1 - weight) * CE(logits, y[order]) (Zhang et al. 2018).

    logits: (B, classes). y: (B,). weight: a scalar tensor. order: (B,), the pairs' permutation. label_smoothing: of
    both, in [0, 1).
    """
    own = F.cross_entropy(logits, y, label_smoothing=label_smoothing)
    partner = F.cross_entropy(logits, y[order], label_smoothing=label_smoothing)
    return weight * own + (1 - weight) * partner


def jensen_shannon(logits: Sequence[Tensor]) -> Tensor:
    """Returns 1/k * sum_i KL(p_i || clamp(M, 1e-7, 1)), M = 1/k * sum_i p_i, p_i = softmax(logits_i).

    Source: NoisyMix section 3.2, equal weights; the clamp is AugMix's. logits: k tensors (B, classes). In
    nats: 0 for equal inputs, at most log k. Labels are not used.
    """
    log_p = torch.stack([F.log_softmax(each.float(), 1) for each in logits])
    p = log_p.exp()
    log_mixture = p.mean(0).clamp(1e-7, 1).log()
    return (p * (log_p - log_mixture)).sum(2).mean()
