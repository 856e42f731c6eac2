"""TrivialAugment: each operation against torchvision's on Pillow's images, and who gets which."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import TrivialAugmentWide, _apply_op

from tests.support import CPU
from trainers import trivial_augment
from trainers.core.method import generator
from trainers.trivial_augment import OPERATIONS, TrivialAugment

NAMES = {
    "identity": "Identity", "autocontrast": "AutoContrast", "equalize": "Equalize", "rotate": "Rotate",
    "shear_x": "ShearX", "shear_y": "ShearY", "translate_x": "TranslateX", "translate_y": "TranslateY",
    "brightness": "Brightness", "colour": "Color", "contrast": "Contrast", "sharpness": "Sharpness",
    "posterize": "Posterize", "solarize": "Solarize",
}  # fmt: skip
SIDE = 40
"""Above 32 pixels, so that a translation is torchvision's."""


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_torchvisions(name: str) -> None:
    x = torch.randint(0, 256, (2, 3, SIDE, SIDE), generator=generator(CPU, 1), dtype=torch.uint8)
    before = x.clone()
    magnitudes, signed = TrivialAugmentWide()._augmentation_space(31)[NAMES[name]]
    mirrored = name in ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
    for step in (0, 1, 7, 13, 22, 30):
        for sign in (1, -1) if signed else (1,):
            magnitude = float(magnitudes[step]) if magnitudes.ndim else 0.0
            # The sign of a movement is a convention: both are drawn alike.
            strength = magnitude * sign * (-1 if name.startswith("translate") else 1)
            changed = trivial_augment.apply(name, x, torch.full((2,), step), torch.full((2,), sign))
            for image, mine in zip(x, changed, strict=True):
                picture = Image.fromarray(image.permute(1, 2, 0).numpy())
                expected = np.array(_apply_op(picture, NAMES[name], strength, InterpolationMode.NEAREST, None))
                wrong = (np.abs(mine.permute(1, 2, 0).numpy().astype(int) - expected) > 1).any(2).mean()
                assert wrong <= (0.03 if mirrored else 0), (step, sign, wrong)
    assert torch.equal(x, before)


def test_every_operation_is_drawn_alike_and_small_images_keep_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: dict[str, int] = dict.fromkeys(OPERATIONS, 0)
    real = trivial_augment.apply

    def numbered(name: str, x: torch.Tensor, step: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
        assert step.min() >= 0 and step.max() <= 30 and set(sign.tolist()) <= {-1, 1}
        return torch.full_like(real(name, x, step, sign), OPERATIONS.index(name))

    monkeypatch.setattr(trivial_augment, "apply", numbered)
    x = torch.rand(30, 1, 8, 8, generator=generator(CPU, 2))
    drawn = torch.cat([TrivialAugment().views(x, generator(CPU, seed))[:, 0, 0, 0] * 255 for seed in range(60)])
    numbers = torch.bincount(drawn.round().long(), minlength=len(counts)).numpy()
    assert stats.chisquare(numbers).pvalue > 1e-3
    monkeypatch.undo()
    moved = trivial_augment.apply("translate_x", torch.full((1, 1, 8, 8), 9, dtype=torch.uint8),
                                  torch.tensor([15]), torch.tensor([1]))  # fmt: skip
    assert (moved > 0).sum() == 8 * 4
