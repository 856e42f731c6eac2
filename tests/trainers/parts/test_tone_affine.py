"""Every AugMix operator against Pillow, image by image."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps
from torch import Tensor

from trainers.parts import affine, tone

BILINEAR = Image.Resampling.BILINEAR
ZERO = torch.zeros(2)
FEW_VALUES = st.sampled_from([0, 1, 100, 101, 254, 255])


@st.composite
def images(draw: st.DrawFn) -> Tensor:
    """Two images of the same shape: smooth, of few values, of one value, or anything; (2, C, H, W) uint8."""
    shape = (2, draw(st.sampled_from([1, 3])), draw(st.integers(4, 24)), draw(st.integers(4, 24)))
    values = draw(st.sampled_from([st.integers(0, 255), FEW_VALUES, st.just(draw(st.integers(0, 255)))]))
    if draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        return torch.from_numpy(rng.integers(0, 256, shape, np.uint8))
    return torch.from_numpy(draw(hnp.arrays(np.uint8, shape, elements=values)))


def by_pillow(x: Tensor, *operations: object) -> Tensor:
    """Applies operations[i], a function of a Pillow image, to image i."""
    done = []
    for image, operation in zip(x, operations, strict=True):
        array = image.permute(1, 2, 0).numpy()
        picture = Image.fromarray(array[..., 0] if len(image) == 1 else array)
        result = torch.from_numpy(np.array(operation(picture)))  # type: ignore[operator]
        done.append(result.view(*array.shape).permute(2, 0, 1))
    return torch.stack(done)


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@settings(max_examples=60, deadline=None)
@given(images(), pairs(1, 8), pairs(0, 256))
def test_tones_are_pillows(x: Tensor, bits: tuple[int, int], threshold: tuple[int, int]) -> None:
    before = x.clone()
    assert torch.equal(tone.autocontrast(x), by_pillow(x, ImageOps.autocontrast, ImageOps.autocontrast))
    assert torch.equal(tone.equalize(x), by_pillow(x, ImageOps.equalize, ImageOps.equalize))
    expected = by_pillow(x, *(lambda im, b=b: ImageOps.posterize(im, b) for b in bits))
    assert torch.equal(tone.posterize(x, torch.tensor(bits)), expected)
    expected = by_pillow(x, *(lambda im, t=t: ImageOps.solarize(im, t) for t in threshold))
    assert torch.equal(tone.solarize(x, torch.tensor(threshold)), expected)
    assert torch.equal(x, before)


def matrix_of(kind: str, amount: float, height: int, width: int) -> tuple[float, ...]:
    """The six numbers of Pillow's AFFINE, as the published AugMix writes them; a rotation about the centre."""
    cos, sin = math.cos(math.radians(amount)), math.sin(math.radians(amount))
    x, y = width / 2, height / 2
    return {
        "rotate": (cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y),
        "shear_x": (1, amount, 0, 0, 1, 0),
        "shear_y": (1, 0, 0, amount, 1, 0),
        "translate_x": (1, 0, amount, 0, 1, 0),
        "translate_y": (1, 0, 0, 0, 1, amount),
    }[kind]


def near_border(matrix: tuple[float, ...], height: int, width: int) -> Tensor:
    """Where a source point lies within 1e-3 pixels of the border, in double precision: (H, W)."""
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    points = torch.stack([columns, rows, torch.ones_like(rows)]).double()
    source = torch.einsum("ij,jhw->ihw", torch.tensor(matrix).double().view(2, 3), points)
    size = torch.tensor([width, height]).view(2, 1, 1)
    return ((source.abs() < 1e-3) | ((source - size).abs() < 1e-3)).any(0)


def warped(image: Image.Image, kind: str, amount: float) -> Image.Image:
    if kind == "rotate":
        return image.rotate(amount, resample=BILINEAR)
    matrix = matrix_of(kind, amount, image.height, image.width)
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=BILINEAR)


LIMITS = {"rotate": 30.0, "shear_x": 0.3, "shear_y": 0.3, "translate_x": 30.0, "translate_y": 30.0}


@settings(max_examples=100, deadline=None)
@given(images(), st.sampled_from(list(LIMITS)), st.floats(-1, 1))
def test_warps_are_pillows_bilinear(x: Tensor, kind: str, share: float) -> None:
    height, width = x.shape[2:]
    before = x.clone()
    amounts = torch.tensor([share, -share / 2]) * LIMITS[kind]
    result = getattr(affine, kind)(x, amounts)
    expected = by_pillow(x, *(lambda image, a=a: warped(image, kind, a) for a in amounts.tolist()))
    for i, amount in enumerate(amounts.tolist()):
        ignored = near_border(matrix_of(kind, amount, height, width), height, width)
        assert_close(result[i], expected[i], ignored)
    assert torch.equal(x, before)


@settings(max_examples=100, deadline=None)
@given(images(), st.lists(st.integers(-30, 30), min_size=4, max_size=4))
def test_moves_by_whole_pixels_are_pillows(x: Tensor, by: list[int]) -> None:
    """Up to and beyond the image's size; the images before and after one in memory stay out of it."""
    before, columns, rows = x.clone(), by[:2], by[2:]

    def moved(image: Image.Image, i: int) -> Image.Image:
        matrix = (1, 0, columns[i], 0, 1, rows[i])
        return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=BILINEAR)

    across, down = torch.tensor(columns).float(), torch.tensor(rows).float()
    expected = by_pillow(x, lambda image: moved(image, 0), lambda image: moved(image, 1))
    assert torch.equal(affine.shift(x, across, down), expected)
    assert torch.equal(affine.translate_x(x, across), affine.shift(x, across, ZERO))
    assert torch.equal(affine.translate_y(x, down), affine.shift(x, ZERO, down))
    assert torch.equal(x, before)


def assert_close(result: Tensor, expected: Tensor, ignored: Tensor) -> None:
    difference = (result.int() - expected.int()).abs()
    assert difference.masked_fill(ignored, 0).max() <= 1


@pytest.mark.parametrize("size", [8, 32, 224])
def test_strength_zero_is_the_identity(size: int) -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (2, 3, size, size), generator=rng, dtype=torch.uint8)
    for kind in LIMITS:
        assert torch.equal(getattr(affine, kind)(x, torch.zeros(2)), x)
    assert torch.equal(affine.shift(x, ZERO, ZERO), x)
    assert torch.equal(tone.posterize(x, torch.tensor([8, 8])), x)
    assert torch.equal(tone.solarize(x, torch.tensor([256, 256])), x)


@pytest.mark.parametrize("spread", [3, 40, 256])
def test_equalize_of_larger_images_is_pillows(spread: int) -> None:
    """Where the step between grey levels is well above 1, its half counts."""
    rng = torch.Generator().manual_seed(spread)
    x = torch.randint(0, spread, (3, 3, 61, 67), generator=rng, dtype=torch.uint8)
    assert torch.equal(tone.equalize(x), by_pillow(x, *[ImageOps.equalize] * 3))


def test_memory_order_changes_no_number() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (2, 3, 12, 10), generator=rng, dtype=torch.uint8)
    other = x.contiguous(memory_format=torch.channels_last)
    amount = torch.tensor([0.3, -2.0])
    for kind in LIMITS:
        assert torch.equal(getattr(affine, kind)(other, amount), getattr(affine, kind)(x, amount))
    assert torch.equal(affine.shift(other, amount, -amount), affine.shift(x, amount, -amount))
    for operator in (tone.autocontrast, tone.equalize):
        assert torch.equal(operator(other), operator(x))
