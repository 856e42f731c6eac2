"""What an attack makes large: functions of logits (B, K) and labels (B,) that give (B,)."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Objective = Callable[[Tensor, Tensor], Tensor]


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """Returns max_{j != y} z_j - z_y: above 0 where the label has lost. Its gradient does not fade with
    confidence.
    """
    label = y.unsqueeze(1)
    others = logits.scatter(1, label, -math.inf)
    return others.amax(1) - logits.gather(1, label).squeeze(1)


def scaled_cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Returns the cross-entropy of logits divided by the image's own |margin|, held constant.

    Plain cross-entropy has no gradient in float32 once a margin passes 100, which a network can learn to
    reach without being robust. Scaled, the odds are always e to one, and the pull of all classes stays
    visible.
    """
    scale = margin(logits, y).detach().abs().clamp_min(torch.finfo(logits.dtype).eps)
    return F.cross_entropy(logits / scale.unsqueeze(1), y, reduction="none")


def towards(rank: int, clean: Tensor) -> Objective:
    """Returns the targeted objective z_t - z_y, t the wrong class of that rank (1: the likeliest) on the
    clean images.

    clean: logits (B, K) of the clean images, of the same batch as the objective is then used on.
    """

    def objective(logits: Tensor, y: Tensor) -> Tensor:
        label = y.unsqueeze(1)
        target = clean.scatter(1, label, -math.inf).topk(rank, dim=1).indices[:, -1:]
        return (logits.gather(1, target) - logits.gather(1, label)).squeeze(1)

    return objective
