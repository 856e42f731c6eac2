"""Random crops and flips of whole batches, on whatever device they lie."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from study.datasets.core.data import Augment


def crop_and_flip(pad: int | None, flip: float | None) -> Augment | None:
    """Returns the augmentation that crops after `pad` pixels of padding and mirrors with chance `flip`.

    None turns either off; both None returns None.
    """
    if pad is None and flip is None:
        return None

    def augment(x: Tensor, rng: Generator) -> Tensor:
        if pad is not None:
            x = random_crop(x, pad, rng)
        return x if flip is None else random_flip(x, flip, rng)

    return augment


def random_crop(x: Tensor, pad: int, rng: Generator) -> Tensor:
    """Returns x (B, C, H, W) zero-padded by `pad` on each side, each image cropped back at its own place.

    The place is uniform over the (2 pad + 1)^2 offsets. Zero is black: x is in [0, 1], before normalisation.
    """
    batch, channels, height, width = x.shape
    corner = torch.randint(2 * pad + 1, (2, batch, 1), generator=rng, device=x.device)
    rows = corner[0] + torch.arange(height, device=x.device)
    columns = corner[1] + torch.arange(width, device=x.device)
    padded = F.pad(x, (pad, pad, pad, pad)).flatten(2)
    place = rows[:, :, None] * (width + 2 * pad) + columns[:, None, :]
    return padded.gather(2, place.view(batch, 1, -1).expand(-1, channels, -1)).view_as(x)


def random_flip(x: Tensor, chance: float, rng: Generator) -> Tensor:
    """Returns x (B, C, H, W) with each image mirrored left to right with probability `chance`."""
    chosen = torch.rand(len(x), 1, 1, 1, generator=rng, device=x.device) < chance
    return torch.where(chosen, x.flip(3), x)
