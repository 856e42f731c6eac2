"""Every AugMix operator against Pillow, image by image."""

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


def pillow_matrix(kind: str, amount: float) -> tuple[float, ...]:
    """The six numbers of Pillow's AFFINE, as the published AugMix writes them."""
    return {
        "shear_x": (1, amount, 0, 0, 1, 0),
        "shear_y": (1, 0, 0, amount, 1, 0),
        "translation_x": (1, 0, amount, 0, 1, 0),
        "translation_y": (1, 0, 0, 0, 1, amount),
    }[kind]


def near_border(matrix: Tensor, height: int, width: int) -> Tensor:
    """Where a source point lies within 1e-3 pixels of the border, in double precision: (N, 1, H, W)."""
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    points = torch.stack([columns, rows, torch.ones_like(rows)]).double()
    source = torch.einsum("nij,jhw->nihw", matrix.double(), points)
    size = torch.tensor([width, height]).view(1, 2, 1, 1)
    return ((source.abs() < 1e-3) | ((source - size).abs() < 1e-3)).any(1, keepdim=True)


@settings(max_examples=60, deadline=None)
@given(images(), st.floats(-30, 30), st.floats(-0.3, 0.3), st.integers(-8, 8))
def test_warps_are_pillows_bilinear(x: Tensor, degrees: float, slope: float, pixels: int) -> None:
    height, width = x.shape[2:]
    before = x.clone()
    amounts = torch.tensor([degrees, -degrees / 2])
    matrix = affine.rotation(amounts, height, width)
    turned = by_pillow(x, *(lambda im, d=d: im.rotate(d, resample=BILINEAR) for d in amounts.tolist()))
    assert_close(affine.warp(x, matrix), turned, near_border(matrix, height, width))
    amounts_of = {"shear_x": slope, "shear_y": slope, "translation_x": pixels, "translation_y": pixels}
    for kind, amount in amounts_of.items():
        matrix = getattr(affine, kind)(torch.tensor([float(amount), 0.0]))
        numbers = pillow_matrix(kind, float(matrix.new_tensor(amount)))
        moved = by_pillow(
            x,
            lambda im, n=numbers: im.transform((width, height), Image.Transform.AFFINE, n, resample=BILINEAR),
            lambda im: im,
        )
        result = affine.warp(x, matrix)
        assert_close(result, moved, near_border(matrix, height, width))
        assert torch.equal(result[1], x[1])
        if kind.startswith("translation"):
            assert torch.equal(result, moved)
    assert torch.equal(x, before)


def assert_close(result: Tensor, expected: Tensor, ignored: Tensor) -> None:
    difference = (result.int() - expected.int()).abs()
    assert difference.masked_fill(ignored, 0).max() <= 1


@pytest.mark.parametrize("size", [8, 32, 224])
def test_strength_zero_is_the_identity(size: int) -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (2, 3, size, size), generator=rng, dtype=torch.uint8)
    zero = torch.zeros(2)
    for matrix in (
        affine.rotation(zero, size, size),
        affine.shear_x(zero),
        affine.shear_y(zero),
        affine.translation_x(zero),
        affine.translation_y(zero),
    ):
        assert torch.equal(affine.warp(x, matrix), x)
    assert torch.equal(tone.posterize(x, torch.tensor([8, 8])), x)
    assert torch.equal(tone.solarize(x, torch.tensor([256, 256])), x)


@pytest.mark.parametrize("spread", [3, 40, 256])
def test_equalize_of_larger_images_is_pillows(spread: int) -> None:
    """Where the step between grey levels is well above 1, its half counts."""
    rng = torch.Generator().manual_seed(spread)
    x = torch.randint(0, spread, (3, 3, 61, 67), generator=rng, dtype=torch.uint8)
    assert torch.equal(tone.equalize(x), by_pillow(x, *[ImageOps.equalize] * 3))
