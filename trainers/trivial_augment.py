"""TrivialAugment: one random operation of random strength for each image."""

import torch
from torch import Generator, Tensor

from trainers.core.augmentation import Augmentation
from trainers.parts import affine, colour, tone
from trainers.parts.draws import deal_pixels, gathered

OPERATIONS = (
    "identity", "autocontrast", "equalize", "rotate", "shear_x", "shear_y", "translate_x", "translate_y",
    "brightness", "colour", "contrast", "sharpness", "posterize", "solarize",
)  # fmt: skip
BINS = 31
"""Strengths are the bins 0 to 30."""


class TrivialAugment(Augmentation):
    """min E[CE(f(x'), y)], x' = x after one of 14 operations, its strength and sign drawn uniformly for each image.

    Source: Mueller and Hutter 2021, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", the wide
    space: rotation by up to 135 degrees, shears by up to 0.99, translation by up to 32 pixels (the whole image where
    it is smaller), blends by 1 +- 0.99, 8 to 2 bits, solarize from 255 down to 0; the strength is one of 31 equal
    steps. 8-bit values, nearest pixels, 0 outside. Brightness, contrast and others overlap the test corruptions, so
    that robustness to those is not held out. Operations are dealt out evenly over a batch (see `deal`).

    Example:
        method = TrivialAugment()
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def views(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns x (B, 1 or 3, H, W), each image after its own operation."""
        parts, place = deal_pixels(x, len(OPERATIONS), rng)
        shape = len(OPERATIONS), len(parts[0])
        steps = torch.randint(BINS, shape, generator=rng, device=x.device)
        signs = torch.randint(0, 2, shape, generator=rng, device=x.device) * 2 - 1
        changed = [apply(*each) for each in zip(OPERATIONS, parts, steps, signs, strict=True)]
        return gathered(changed, place, x.dtype)


def apply(name: str, x: Tensor, step: Tensor, sign: Tensor) -> Tensor:
    """Returns x (N, C, H, W) uint8 after the operation called `name`; step (N,) in 0 to 30, sign (N,) of 1 and -1."""
    share = step / (BINS - 1)
    signed = share * sign
    height, width = x.shape[2:]
    match name:
        case "identity":
            return x
        case "autocontrast":
            return tone.autocontrast(x)
        case "equalize":
            return tone.equalize(x)
        case "rotate":
            return affine.rotate(x, 135 * signed, nearest=True)
        case "shear_x":
            return affine.shear_x(x, 0.99 * signed, nearest=True)
        case "shear_y":
            return affine.shear_y(x, 0.99 * signed, nearest=True)
        case "translate_x":
            return affine.shift(x, (min(32, width) * signed).trunc(), torch.zeros_like(step))
        case "translate_y":
            return affine.shift(x, torch.zeros_like(step), (min(32, height) * signed).trunc())
        case "posterize":
            return tone.posterize(x, 8 - (step / ((BINS - 1) / 6)).round().long())
        case "solarize":
            return tone.solarize(x, (255 - 255 * share).ceil().long())
    return colour.ENHANCEMENTS[name](x, 1 + 0.99 * signed)


METHOD = TrivialAugment
