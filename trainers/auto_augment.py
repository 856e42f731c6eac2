"""AutoAugment: sub-policies found by search on CIFAR-10, one drawn for each image."""

import torch
from torch import Generator, Tensor

from trainers.core.augmentation import Augmentation
from trainers.parts import affine, colour, tone
from trainers.parts.draws import deal_pixels, gathered

Operation = tuple[str, float, int]
"""Name, probability and strength from 0 to 9."""
POLICY: tuple[tuple[Operation, Operation], ...] = (
    (("invert", 0.1, 7), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate_x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear_y", 0.5, 8), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.5, 8), ("equalize", 0.9, 2)),
    (("shear_y", 0.2, 7), ("posterize", 0.3, 7)),
    (("colour", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 5), ("equalize", 0.5, 1)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("colour", 0.7, 7), ("translate_x", 0.5, 8)),
    (("equalize", 0.3, 7), ("autocontrast", 0.4, 8)),
    (("translate_y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("colour", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 3)),
    (("equalize", 0.2, 0), ("autocontrast", 0.6, 0)),
    (("equalize", 0.2, 8), ("equalize", 0.6, 4)),
    (("colour", 0.9, 9), ("equalize", 0.6, 6)),
    (("autocontrast", 0.8, 4), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("colour", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, 3)),
    (("translate_y", 0.9, 9), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.9, 2), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 8), ("invert", 0.1, 3)),
    (("translate_y", 0.7, 9), ("autocontrast", 0.9, 1)),
)
"""The published CIFAR-10 policy (Cubuk et al. 2019, table 7)."""


class AutoAugment(Augmentation):
    """min E[CE(f(x'), y)], x' = x after one of 25 sub-policies, uniform per image: two operations, each with
    its probability.

    Source: Cubuk et al. 2019, section 3 and table 7 (CIFAR-10). Strength 9 turns by 30 degrees, shears by
    0.3, moves by 150/331 of the size, blends by 1 +- 0.9, keeps 4 bits and solarizes from 0 on; signs are
    random. Contrast, brightness and others overlap the test corruptions, so that robustness to those is not
    held out. Operations act on 8-bit values, bilinear where geometric. Sub-policies are dealt out evenly
    over a batch (see `deal`). (torchvision's own transform gives a whole batch one sub-policy and draws from
    the global generator.)

    Example:
        method = AutoAugment()
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def views(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns x (B, 1 or 3, H, W), each image after its own sub-policy."""
        parts, place = deal_pixels(x, len(POLICY), rng)
        run, done = len(parts[0]), []
        for part, operations in zip(parts, POLICY, strict=True):
            for name, probability, strength in operations:
                sign = torch.randint(0, 2, (run,), generator=rng, device=x.device) * 2 - 1
                chosen = torch.rand((run, 1, 1, 1), generator=rng, device=x.device) < probability
                part = torch.where(chosen, apply(name, part, strength / 9, sign), part)
            done.append(part)
        return gathered(done, place, x.dtype)


def apply(name: str, x: Tensor, strength: float, sign: Tensor) -> Tensor:
    """Returns x (N, C, H, W) uint8 after the operation called `name`; strength in [0, 1], sign (N,) of 1 and
    -1."""
    height, width = x.shape[2:]
    signed = strength * sign.float()
    match name:
        case "rotate":
            return affine.rotate(x, 30 * signed)
        case "shear_y":
            return affine.shear_y(x, 0.3 * signed)
        case "translate_x":
            return affine.translate_x(x, 150 / 331 * width * signed)
        case "translate_y":
            return affine.translate_y(x, 150 / 331 * height * signed)
        case "posterize":
            return tone.posterize(x, torch.full_like(sign, 8 - round(4 * strength)))
        case "solarize":
            return tone.solarize(x, torch.full_like(sign, 256 - round(256 * strength)))
        case "autocontrast":
            return tone.autocontrast(x)
        case "equalize":
            return tone.equalize(x)
        case "invert":
            return colour.invert(x)
    return colour.ENHANCEMENTS[name](x, 1 + 0.9 * signed)


METHOD = AutoAugment
