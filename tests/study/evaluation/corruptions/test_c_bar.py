"""C-bar's corruptions against their equations, computed pixel by pixel or by SciPy, and against the published code's
fingerprints."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from study.datasets import image_parquet
from study.evaluation.corruptions import lenses, occlusions, waves
from study.evaluation.corruptions.benchmark import corrupted
from trainers.core.method import generator

CPU = torch.device("cpu")
FINGERPRINTS = {  # mean over 100 images of the root mean square of the change, severities 1 to 5
    "blue_noise_sample": (0.053, 0.071, 0.091, 0.141, 0.171),
    "brownish_noise": (0.073, 0.117, 0.158, 0.182, 0.196),
    "inverse_sparkles": (0.121, 0.152, 0.201, 0.277, 0.295),
    "sparkles": (0.096, 0.112, 0.173, 0.192, 0.214),
    "circular_motion_blur": (0.089, 0.090, 0.092, 0.094, 0.097),
    "ripple": (0.055, 0.059, 0.066, 0.075, 0.080),
}


def _images(count: int = 2, side: int = 32, channels: int = 3) -> Tensor:
    return torch.rand(count, channels, side, side, generator=generator(CPU, 3))


@pytest.fixture(scope="module")
def cifar(shared_data: Path) -> Tensor:
    """The first hundred test images."""
    data = image_parquet.load(root=shared_data / "cifar10-jpeg", device=CPU)
    return data.test.images[:100]


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_images_change_as_much_as_by_the_published_code(cifar: Tensor, name: str) -> None:
    for severity, expected in enumerate(FINGERPRINTS[name], start=1):
        change = (corrupted(cifar, name, severity, seed=0).double() - cifar.double()) / 255
        assert change.square().mean((1, 2, 3)).sqrt().mean().item() == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("level", "share"), [(0.7, 0.011), (1.4, 0.019), (2.1, 0.031), (3.5, 0.073), (4.2, 0.108)])
def test_blue_noise_blackens_a_share_of_the_pixels(level: float, share: float) -> None:
    changed = waves.blue_noise_sample(torch.ones(300, 3, 32, 32), (level,), generator(CPU, 0))
    black = changed == 0
    assert bool((black[:, :1] == black).all()) and black.double().mean().item() == pytest.approx(share, abs=0.002)
    spectrum = torch.fft.fft2(waves.spectral(_images(1), 1, lambda r: r, generator(CPU, 1))[0, 0]).abs()
    low, high = spectrum[1:4, 1:4].mean(), spectrum[13:16, 13:16].mean()
    assert float(high / low) > 3  # amplitudes grow with the frequency


def test_brownish_noise_has_a_field_of_its_own_for_each_channel() -> None:
    x = _images(4)
    change = waves.brownish_noise(x, (5.5,), generator(CPU, 1)) - x
    np.testing.assert_allclose(change.std((2, 3), correction=0), 6.4 * 5.5 / 255, rtol=1e-3)
    assert not torch.allclose(change[:, 0], change[:, 1], atol=0.01)


def test_a_single_frequency_is_one_line_of_the_spectrum() -> None:
    x = torch.full((6, 3, 32, 32), 0.5)
    change = waves.single_frequency_greyscale(x, (2.0,), generator(CPU, 2)) - x
    assert float(change.abs().max()) <= 19.6 * 2 / 255 + 1e-6
    assert torch.allclose(change[:, 0], change[:, 2], atol=1e-6)
    for wave in change[:, 0].double():  # a sine obeys f(p + 1) + f(p - 1) = 2 cos(frequency) f(p), along both axes
        for axis in (0, 1):
            middle = wave.narrow(axis, 1, 30)
            both = wave.narrow(axis, 2, 30) + wave.narrow(axis, 0, 30)
            factor = (both * middle).sum() / middle.square().sum()
            assert float((both - factor * middle).abs().max()) < 1e-5 and abs(float(factor)) <= 2 + 1e-6


def test_concentric_waves_and_perlin_noise_stay_in_their_ranges() -> None:
    x = torch.full((5, 1, 40, 40), 0.5)
    change = waves.cocentric_sine_waves(x, (8.0,), generator(CPU, 2)) - x
    assert float(change.abs().max()) <= 12.8 * 8 / 255 / 2 + 1e-6 and float(change.std()) > 0.05
    noise = (waves.perlin_noise(x, (5.0,), generator(CPU, 2)) - 0.75 * x) / 0.25
    assert float(noise.min()) >= 0.5 - 1e-5 and float(noise.max()) <= 1 + 1e-5
    plasma = (waves.plasma_noise(x, (7.0,), generator(CPU, 2)) - (1 - 6.4 * 7 / 255) * x) / (6.4 * 7 / 255)
    assert float(plasma.abs().max()) <= 1 + 1e-5


def test_perlin_noise_is_0_at_the_lattice_and_follows_its_slopes() -> None:
    slopes = torch.randn(1, 2, 4, 4, generator=generator(CPU, 5), dtype=torch.float64)
    whole = torch.arange(3, dtype=torch.float64).expand(3, 3)
    assert float(waves._perlin(slopes, whole, whole.T).abs().max()) == 0
    near = waves._perlin(slopes, whole + 1e-6, whole.T) / 1e-6
    np.testing.assert_allclose(near[0], 1.5 * slopes[0, 0, :3, :3], atol=1e-4)


def test_the_board_pixel_by_pixel() -> None:
    x, level, size = _images(), 5.0, 32
    rng = generator(CPU, 4)
    changed = occlusions.checkerboard_cutout(x, (level,), generator(CPU, 4))
    angle = torch.empty(2).uniform_(0, 2 * math.pi, generator=rng).tolist()
    share = torch.empty(2).uniform_(0.1, 0.25, generator=rng).tolist()
    on = torch.rand((2, 1600), generator=rng).view(2, 40, 40) < level / 10
    covered = 0
    for image in range(2):
        side, cells = max(1.0, share[image] * size), int(4 * size // max(1.0, share[image] * size))
        for row in range(size):
            for column in range(size):
                n = [(math.cos(angle[image]) * row - math.sin(angle[image]) * column) / side,
                     (math.sin(angle[image]) * row + math.cos(angle[image]) * column) / side]  # fmt: skip
                if min(abs(v - round(v)) for v in n) < 1e-4:
                    continue  # rounding decides
                cell = on[image, int(n[0]) % cells, int(n[1]) % cells]
                grey = int(n[0] % 2) == int(n[1] % 2) and bool(cell)
                expected = torch.full((3,), 128 / 255) if grey else x[image, :, row, column]
                assert torch.equal(changed[image, :, row, column], expected)
                covered += grey
    assert 100 < covered < 1900


def test_an_inverse_sparkle_pixel_by_pixel() -> None:
    x, level, size = _images(1, 16), 4.5, 16
    rng = generator(CPU, 4)
    changed = occlusions.inverse_sparkles(x, (level,), generator(CPU, 4))
    top, left = (float(torch.empty(1).uniform_(size / 4, 3 * size / 4, generator=rng)) for _ in range(2))
    rays = (size / 4 * (1 + 0.25 * torch.randn((1, 200), generator=rng)))[0].tolist()
    count = int(torch.randint(50, 200, (1,), generator=rng))
    for row in range(size):
        for column in range(size):
            down, right = row - top, column - left
            u = (math.atan2(right, down) + math.pi) / (2 * math.pi) * count
            i, f = int(u), u - int(u)
            length = rays[i % count] + f * (rays[(i + 1) % count] - rays[i % count])
            base = length**2 / (down**2 + right**2 + 1e-4)
            weight = min(1.0, max(0.0, (1 - (f - 0.5) ** 2) * base ** (0.13 * level)))
            expected = 1 + weight * (x[0, :, row, column] - 1)
            np.testing.assert_allclose(changed[0, :, row, column], expected, atol=2e-3)


def test_lines_are_grey_and_one_pixel_wide() -> None:
    x = torch.ones(8, 1, 32, 32)
    changed = occlusions.lines(x, (0.5,), generator(CPU, 6))  # one line
    assert float(changed.min()) >= 128 / 255 - 2 / 255
    cover = ((1 - changed) / (1 - 128 / 255))[:, 0]
    for image in cover:
        steep = image.sum(1)[image.sum(1) > 0.5], image.sum(0)[image.sum(0) > 0.5]
        along = max(steep, key=len)  # along the axis on which the line advances it covers one pixel in all
        assert len(along) == 0 or float((along - 1).abs().median()) < 0.03


def test_turning_is_scipys() -> None:
    x = _images(2)
    expected, total = np.zeros(x.shape), 0.0
    for step in range(21):
        t = -1 + step / 10
        turned = ndimage.rotate(x.numpy(), 1.5 * 4.4 * t, axes=(2, 3), reshape=False, order=3)
        expected, total = expected + math.exp(-2 * t * t) * turned, total + math.exp(-2 * t * t)
    blurred = lenses.circular_motion_blur(x, (4.4,), generator(CPU, 0))
    inner = np.s_[:, :, 3:-3, 3:-3]
    np.testing.assert_allclose(blurred.numpy()[inner], (expected / total)[inner], atol=2e-3)
    large = torch.nn.functional.pad(x, (4, 4, 4, 4))  # beyond one matrix
    whole, parts = lenses.circular_motion_blur(large, (4.4,), generator(CPU, 0)), lenses._DENSE
    lenses._DENSE = 10**4
    try:
        np.testing.assert_allclose(lenses.circular_motion_blur(large, (4.4,), generator(CPU, 0)), whole, atol=1e-5)
    finally:
        lenses._DENSE = parts


def test_magnified_channels_are_scipys() -> None:
    x = (_images(3) * 255).round() / 255
    changed = lenses.transverse_chromatic_abberation(x, (5.0,), generator(CPU, 0))
    orders = set()
    for image, result in zip(x.numpy(), changed.numpy(), strict=True):
        order = []
        for channel in range(3):
            errors = []
            for scale in (1, 1.125, 1.25):
                zoomed = ndimage.zoom(image[channel], scale, order=3, prefilter=False)
                start = (len(zoomed) - 32) // 2
                expected = np.clip(zoomed, 0, 1)[start : start + 32, start : start + 32]
                errors.append(np.abs(result[channel] - expected).max())
            assert min(errors) < 0.76 / 255
            order.append(int(np.argmin(errors)))
        assert sorted(order) == [0, 1, 2]
        orders.add(tuple(order))
    assert len(orders) > 1


def test_a_ripple_is_read_where_its_waves_say() -> None:
    x, rng = _images(1, 24), generator(CPU, 8)
    changed = lenses.ripple(x, (7.5,), generator(CPU, 8))
    places = []
    for _ in range(2):  # columns, then rows
        wavelength = float(torch.empty(1).uniform_(0.1, 0.3, generator=rng)) * 24
        phase = float(torch.empty(1).uniform_(0, 2 * math.pi, generator=rng))
        p = np.arange(24)
        places.append(p + 0.0025 * 7.5 * 24 * np.sin(2 * np.pi * p / wavelength + phase))
    rows, columns = np.meshgrid(places[1], places[0], indexing="ij")
    for channel in range(3):
        expected = ndimage.map_coordinates(x[0, channel].numpy(), [rows, columns], order=1, mode="grid-constant")
        np.testing.assert_allclose(changed[0, channel], expected, atol=1e-4)


def test_a_pinch_is_read_where_its_equation_says() -> None:
    x, level = _images(1, 30, 1), 8.5
    coins = torch.randint(0, 2, (1, 9), generator=generator(CPU, 9)) * 2 - 1
    changed = lenses.pinch_and_twirl(x, (level,), generator(CPU, 9))
    for row in range(30):
        for column in range(30):
            cell = (row // 10) * 3 + column // 10
            down, right = row % 10 - 5, column % 10 - 5
            d = math.hypot(down, right) / 5
            at = (row, column)
            if 0 < d < 1:
                angle = int(coins[0, cell]) * math.pi / 20 * level * (1 - d) ** 2
                pinch = math.sin(math.pi * d / 2) ** -(0.04 * level + 0.1)
                at = (
                    row - down + pinch * (math.sin(angle) * right + math.cos(angle) * down),
                    column - right + pinch * (math.cos(angle) * right - math.sin(angle) * down),
                )
            expected = ndimage.map_coordinates(x[0, 0].numpy(), [[at[0]], [at[1]]], order=1, mode="grid-constant")[0]
            assert float(changed[0, 0, row, column]) == pytest.approx(expected, abs=1e-4)


def test_flat_water_refracts_nothing_and_light_moves_with_the_level() -> None:
    x = _images(4, 48)
    changes = [float((lenses.caustic_refraction(x, (v,), generator(CPU, 1)) - x).abs().mean()) for v in (0, 2, 9)]
    assert changes[0] < 1e-5 and changes[0] < changes[1] < changes[2]
