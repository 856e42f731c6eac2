"""Perturbation sequences: geometry against SciPy's sampling and torchvision, brightness against colorsys."""

import colorsys
import math

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates, zoom
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import affine

from study.evaluation.core.perturbations import PERTURBATIONS
from study.evaluation.official import sequences as official


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(size: tuple[int, ...] = (3, 3, 12, 9)) -> Tensor:
    return torch.rand(size, generator=rng(0))


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_shape_range_input_and_repetition(name: str) -> None:
    x = images((3, 3, 32, 31) if name == "snow" else (3, 3, 12, 9))  # a small image may have no flake at all
    kept = x.clone()
    frames = PERTURBATIONS[name](x, rng(1))
    assert frames.shape == (3, {"translate": 16, "motion_blur": 21}.get(name, 31), *x.shape[1:])
    assert frames.min() >= 0
    assert frames.max() <= 1 + 1e-6
    assert torch.equal(x, kept)
    assert torch.equal(frames, PERTURBATIONS[name](x, rng(1)))
    assert (frames[:, 1:] != frames[:, :-1]).flatten(2).any(2).all()
    if name not in {"motion_blur", "snow", "tilt"}:  # these have no clean frame
        clean = {"translate": 7}.get(name, 0 if "noise" in name or name == "zoom_blur" else 15)
        torch.testing.assert_close(frames[:, clean], x, atol=2e-6, rtol=0)


def test_the_ten_are_those_of_the_published_files() -> None:
    assert tuple(PERTURBATIONS) == official.PERTURBATIONS
    assert len(PERTURBATIONS) == 10


def test_geometry_agrees_with_torchvision() -> None:
    x = images((1, 3, 13, 13))
    for i in (0, 4, 30):
        for name, how in (
            ("rotate", {"angle": i - 15.0, "scale": 1.0}),
            ("scale", {"angle": 0.0, "scale": 0.7 + 0.02 * i}),
        ):
            expected = affine(x, translate=[0, 0], shear=[0.0], interpolation=InterpolationMode.BILINEAR, **how)
            frame = PERTURBATIONS[name](x, rng(1))[:, i]
            torch.testing.assert_close(frame, expected, atol=1e-4, rtol=0)
    moved = PERTURBATIONS["translate"](x, rng(1))[:, 10]
    torch.testing.assert_close(moved[..., 3:], x[..., :-3], atol=1e-5, rtol=0)
    assert moved[..., :3].abs().max() < 1e-5


def test_tilt_agrees_with_rays_through_a_turned_plane() -> None:
    x = images((1, 1, 10, 14))
    height, width = x.shape[-2:]
    frames = PERTURBATIONS["tilt"](x, rng(1))
    distance = math.sqrt(height**2 + width**2)
    for i in (0, 9, 15, 30):
        angle = math.radians(0.75 * (i - 15))
        c, s = math.cos(angle), math.sin(angle)
        about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
        about_y = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
        turn = about_x @ about_y
        sources = np.zeros((2, height, width))
        for row in range(height):
            for column in range(width):
                # Where does the ray from the eye (0, 0, -f) through this pixel meet the turned plane (u, v, 1)?
                ray = np.array([column - width / 2, row - height / 2, distance])
                eye = np.array([0, 0, -distance])
                u, v, _ = np.linalg.solve(np.stack([turn[:, 0], turn[:, 1], -ray], 1), eye - turn[:, 2])
                sources[:, row, column] = v + height / 2, u + width / 2
        expected = map_coordinates(x[0, 0].double().numpy(), sources, order=1, mode="grid-constant", cval=0)
        np.testing.assert_allclose(frames[0, i, 0].numpy(), expected, atol=1e-4)


def smeared(image: np.ndarray, radius: int, sigma: float, degrees: float) -> np.ndarray:
    """Half a Gaussian along a direction by a loop over taps; edges repeated."""
    weights = [math.exp(-0.5 * (tap / sigma) ** 2) for tap in range(2 * radius + 1)]
    total = np.zeros_like(image)
    for tap, weight in enumerate(weights):
        down = math.ceil(tap * math.sin(math.radians(degrees)) - 0.5)
        right = math.ceil(tap * math.cos(math.radians(degrees)) - 0.5)
        rows = np.clip(np.arange(image.shape[-2]) + down, 0, image.shape[-2] - 1)
        columns = np.clip(np.arange(image.shape[-1]) + right, 0, image.shape[-1] - 1)
        total += weight * image[..., rows, :][..., columns]
    return total / sum(weights)


@pytest.mark.parametrize(("size", "radius", "sigma", "step", "last"), [(12, 6, 1.8, 9, 20), (128, 10, 3, 4, 30)])
def test_motion_blur_turns_from_frame_to_frame(size: int, radius: int, sigma: float, step: int, last: int) -> None:
    x = images((2, 1, size, size))
    frames = PERTURBATIONS["motion_blur"](x, rng(1)).numpy()
    assert frames.shape[1] == last + 1
    for i in (1, 6, last):
        expected = smeared(x.double().numpy(), radius, sigma, step * (i - last) + 1e-9)
        np.testing.assert_allclose(frames[:, i], expected, atol=1e-3)


@pytest.mark.parametrize(("size", "factor", "radius", "sigma"), [(32, 2, 10, 2), (128, 3, 14, 4)])
def test_snow_is_one_layer_whose_direction_turns(size: int, factor: int, radius: int, sigma: float) -> None:
    x = 0.3 * images((2, 3, size, size))
    frames = PERTURBATIONS["snow"](x, rng(1)).double().numpy()
    layers = torch.empty(2, 1, size, size).normal_(0.05, 0.3, generator=rng(1))[:, 0].double().numpy()
    crop = math.ceil(size / factor)
    top = (size - crop) // 2
    for image, layer, sequence in zip(x.double().numpy(), layers, frames, strict=True):
        large = zoom(layer[top : top + crop, top : top + crop], factor, order=1)
        trim = (len(large) - size) // 2
        flakes = large[trim : trim + size, trim : trim + size].clip(0, 1)
        flakes = np.uint8(np.where(flakes < 0.5, 0, flakes) * 255) / 255
        grey = np.tensordot([0.299, 0.587, 0.114], image, 1)
        white = 0.85 * image + 0.15 * np.maximum(image, 1.5 * grey + 0.5)
        for i in (1, 17, 29):
            falling = smeared(flakes, radius, sigma, 4 * i - 150)
            expected = (white + falling + np.rot90(falling, 2)).clip(0, 1)
            off = np.abs(sequence[i] - expected)
            assert np.quantile(off, 0.99) < 3e-3  # a value at the threshold or the edge of a level may fall either way
            assert off.mean() < 1e-3


def test_zoom_blur_is_the_mean_of_zooms() -> None:
    x = images((1, 3, 13, 13))
    total = x.clone()
    for i in range(1, 6):
        total += affine(x, 0.0, [0, 0], 1 + 0.004 * i, [0.0], interpolation=InterpolationMode.BILINEAR)
    torch.testing.assert_close(PERTURBATIONS["zoom_blur"](x, rng(1))[:, 5], total / 6, atol=1e-4, rtol=0)


def test_brightness_moves_the_value_of_hsv() -> None:
    x = images((1, 3, 4, 4))
    x[:, :, 0, 0] = 0
    frames = PERTURBATIONS["brightness"](x, rng(1))
    for i in (0, 12, 30):
        for row, column in np.ndindex(4, 4):
            hue, saturation, value = colorsys.rgb_to_hsv(*x[0, :, row, column].tolist())
            moved = min(max(value + (i - 15) * 0.015, 0), 1)
            expected = colorsys.hsv_to_rgb(hue, saturation, moved)
            assert frames[0, i, :, row, column].tolist() == pytest.approx(expected, abs=1e-5)


def test_noise_has_the_published_variance() -> None:
    for size, sigma, photons in ((32, 0.02, 700), (128, 0.03, 300)):
        x = torch.full((1, 1, size, size), 0.5)
        gaussian = PERTURBATIONS["gaussian_noise"](x, rng(1))[:, 1:] - 0.5
        shot = PERTURBATIONS["shot_noise"](x, rng(1))[:, 1:] - 0.5
        assert gaussian.std().item() == pytest.approx(sigma, rel=0.03)
        assert shot.std().item() == pytest.approx(math.sqrt(0.5 / photons), rel=0.03)


def test_large_images_take_imagenets_levels() -> None:
    x = images((1, 1, 128, 128))
    assert PERTURBATIONS["translate"](x, rng(1)).shape[1] == 41
    frame = PERTURBATIONS["scale"](x, rng(1))[:, 24]
    torch.testing.assert_close(frame, x, atol=1e-4, rtol=0)  # 0.4 + 24 * 0.025 = 1
