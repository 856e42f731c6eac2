"""AutoAugment: its enhancements against Pillow, each sub-policy against Pillow, and who gets which."""

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from scipy import stats
from torch import Tensor

from trainers import auto_augment
from trainers.auto_augment import POLICY, AutoAugment
from trainers.core.method import generator
from trainers.parts import colour

CPU = torch.device("cpu")
BILINEAR = Image.Resampling.BILINEAR


def picture(x: Tensor) -> Image.Image:
    array = x.permute(1, 2, 0).numpy()
    return Image.fromarray(array[..., 0] if len(x) == 1 else array)


def pillow(name: str, image: Image.Image, level: int, sign: int) -> Image.Image:
    """An operation as the policy's tables mean it; level from 0 to 9."""
    width, height = image.size
    x, y = sign * level / 9 * 150 / 331 * width, sign * level / 9 * 150 / 331 * height
    slope, factor = sign * level / 9 * 0.3, 1 + sign * level / 9 * 0.9
    matrices = {
        "shear_y": (1, 0, 0, slope, 1, 0),
        "translate_x": (1, 0, x, 0, 1, 0),
        "translate_y": (1, 0, 0, 0, 1, y),
    }
    if name in matrices:
        return image.transform(image.size, Image.Transform.AFFINE, matrices[name], resample=BILINEAR)
    return {
        "rotate": lambda: image.rotate(sign * level / 9 * 30, resample=BILINEAR),
        "posterize": lambda: ImageOps.posterize(image, 8 - round(level * 4 / 9)),
        "solarize": lambda: ImageOps.solarize(image, 256 - round(level * 256 / 9)),
        "autocontrast": lambda: ImageOps.autocontrast(image),
        "equalize": lambda: ImageOps.equalize(image),
        "invert": lambda: ImageOps.invert(image),
        "brightness": lambda: ImageEnhance.Brightness(image).enhance(factor),
        "contrast": lambda: ImageEnhance.Contrast(image).enhance(factor),
        "colour": lambda: ImageEnhance.Color(image).enhance(factor),
        "sharpness": lambda: ImageEnhance.Sharpness(image).enhance(factor),
    }[name]()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", sorted({name for pair in POLICY for name, _, _ in pair}))
def test_an_operation_is_pillows(name: str, channels: int) -> None:
    rng = generator(CPU, 1)
    x = torch.randint(0, 256, (20, channels, 12, 14), generator=rng, dtype=torch.uint8)
    before = x.clone()
    sign = torch.tensor([1, -1] * 10)
    for level in (0, 3, 9):
        result = auto_augment.apply(name, x, level / 9, sign)
        for i in range(len(x)):
            expected = np.array(pillow(name, picture(x[i]), level, int(sign[i]))).reshape(12, 14, channels)
            difference = np.abs(result[i].permute(1, 2, 0).numpy().astype(int) - expected)
            assert (difference > 1).any(2).sum() <= (1 if name in ("rotate", "shear_y") else 0), (level, i)
    assert torch.equal(x, before)


def test_factor_one_is_the_identity() -> None:
    x = torch.randint(0, 256, (5, 3, 8, 8), generator=generator(CPU, 2), dtype=torch.uint8)
    for enhance in (colour.brightness, colour.contrast, colour.colour, colour.sharpness):
        assert torch.equal(enhance(x, torch.ones(5)), x)


def test_every_image_gets_a_uniform_sub_policy_and_its_own_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """With operations that all happen and write their sub-policy's number, an image tells what it met."""
    policy = tuple(((str(i), 1.0, 0), (str(i), 1.0, 0)) for i in range(25))
    monkeypatch.setattr(auto_augment, "POLICY", policy)
    monkeypatch.setattr(auto_augment, "apply", write)
    rng, counts = generator(CPU, 3), torch.zeros(25)
    x = (torch.arange(30) / 255).view(-1, 1, 1, 1).expand(30, 1, 2, 4)
    for _ in range(100):
        view = AutoAugment().views(x, rng)
        assert torch.equal(view[:, :, 1], x[:, :, 1])
        counts += torch.bincount((view[:, 0, 0, 0] * 255).round().long(), minlength=25)
    assert counts.sum() == 3000
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def write(name: str, x: Tensor, strength: float, sign: Tensor) -> Tensor:  # noqa: ARG001
    number = torch.full_like(x[:, :, :1], int(name))
    return torch.cat([number, x[:, :, 1:]], 2)


def test_operations_happen_as_often_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 25 sub-policies with probabilities p, a share of the mean p is changed by each operation."""
    x = torch.full((250, 1, 1, 1), 7 / 255)
    rng = generator(CPU, 4)
    for which in (0, 1):
        kept = ("keep", 1.0, 0)
        policy = [tuple(pair[i] if i == which else kept for i in (0, 1)) for pair in POLICY]
        monkeypatch.setattr(auto_augment, "POLICY", policy)
        monkeypatch.setattr(auto_augment, "apply", lambda name, x, *_: x if name == "keep" else x + 1)
        changed = torch.cat([AutoAugment().views(x, rng) != x for _ in range(20)]).float().mean().item()
        wanted = sum(pair[which][1] for pair in POLICY) / 25
        assert math.isclose(changed, wanted, abs_tol=0.025)


def test_the_view_is_a_fresh_tensor_in_range() -> None:
    x = torch.rand(7, 3, 8, 8, generator=generator(CPU, 5))
    before = x.clone()
    view = AutoAugment().views(x, generator(CPU, 6))
    assert torch.equal(x, before) and view.shape == x.shape and view.dtype == x.dtype
    assert view.min() >= 0 and view.max() <= 1
    assert torch.equal(view, AutoAugment().views(x, generator(CPU, 6)))
