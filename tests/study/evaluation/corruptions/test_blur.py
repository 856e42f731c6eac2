import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from study.evaluation.corruptions import blur, linear
from trainers.core.method import generator

CPU = torch.device("cpu")
SHAPES = [(2, 1, 8, 8), (2, 3, 33, 47), (1, 3, 40, 36)]


def images(shape):
    return torch.rand(shape, generator=generator(CPU, *shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sigma", [0.4, 1.0, 6.0])
def test_gaussian_blur_is_scipys(shape, sigma):
    x = images(shape)
    expected = ndimage.gaussian_filter(x.double().numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=4)
    made = blur.gaussian_blur(x, (sigma,), generator(CPU, 0))
    np.testing.assert_allclose(made.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("border", ["reflect", "constant"])
def test_other_borders_are_scipys(border):
    x = images((1, 1, 9, 8))
    expected = ndimage.gaussian_filter(x.double().numpy(), (0, 0, 3, 3), mode=border, truncate=3)
    made = linear.gaussian_blur(x, 3, truncate=3, border="zeros" if border == "constant" else "reflect")
    np.testing.assert_allclose(made.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("level", [(0.3, 0.4), (1.5, 0.1), (3, 0.1), (4, 0.5), (10, 0.5)])
def test_defocus_is_a_mirrored_convolution_with_a_smoothed_disk(shape, level):
    radius, sigma = level
    side = 2 * (math.floor(radius) + 4) + 1
    disk = np.zeros((side, side))
    for i in range(side):
        for j in range(side):
            disk[i, j] = (i - side // 2) ** 2 + (j - side // 2) ** 2 <= radius**2
    reach = 1 if radius <= 8 else 2
    disk = ndimage.gaussian_filter(disk / disk.sum(), sigma, mode="constant", truncate=reach / sigma)
    x = images(shape)
    expected = np.stack([[ndimage.convolve(c, disk, mode="mirror") for c in image] for image in x.double().numpy()])
    made = blur.defocus_blur(x, level, generator(CPU, 0))
    np.testing.assert_allclose(made.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_motion_blur_is_the_loop_over_taps(shape):
    x, radius, sigma = images(shape), 6, 2.5
    angles = torch.tensor([-41.0, 17.0])[: shape[0]]
    made = linear.motion_blur(x, radius, sigma, angles).numpy()
    weights = np.exp(-0.5 * (np.arange(2 * radius + 1) / sigma) ** 2)
    for image, angle, got in zip(x.numpy(), np.deg2rad(angles.numpy()), made, strict=True):
        expected = np.zeros_like(image)
        for tap, weight in enumerate(weights / weights.sum()):
            down, right = math.ceil(tap * math.sin(angle) - 0.5), math.ceil(tap * math.cos(angle) - 0.5)
            rows = np.clip(np.arange(image.shape[1]) + down, 0, image.shape[1] - 1)
            columns = np.clip(np.arange(image.shape[2]) + right, 0, image.shape[2] - 1)
            expected += weight * image[:, rows][:, :, columns]
        np.testing.assert_allclose(got, expected, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_zoom_blur_is_the_mean_of_magnified_images(shape):
    x = images(shape)
    made = blur.zoom_blur(x, (5, 0.06), generator(CPU, 0)).numpy()
    centres = [(n - 1) / 2 for n in shape[2:]]
    grid = np.meshgrid(*map(np.arange, shape[2:]), indexing="ij")
    expected = x.double().numpy()
    for factor in 1 + 0.06 * np.arange(5):
        places = [c + (g - c) / factor for g, c in zip(grid, centres, strict=True)]
        zoomed = [[ndimage.map_coordinates(c.double().numpy(), places, order=1) for c in image] for image in x]
        expected = expected + np.stack(zoomed)
    np.testing.assert_allclose(made, expected / 6, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "reach", "rounds", "share"), [((8, 8), 1, 2, 0.4), ((17, 13), 3, 2, 1.0)])
def test_exchange_by_waves_is_the_loop_in_scan_order(channels, size, reach, rounds, share):
    x = torch.zeros(3, channels, *size)
    made = blur.exchanged(x, reach, rounds, share, generator(CPU, 5))
    height, width = size
    visited = [(h, w) for h in range(height - reach, reach, -1) for w in range(width - reach, reach, -1)]
    wave = [2 * reach * (height - reach - h) + width - reach - w for h, w in visited]
    drawn_for = {visited[i]: place for place, i in enumerate(np.argsort(wave, kind="stable"))}
    rng = generator(CPU, 5)
    expected = torch.arange(height * width).view(1, height, width).repeat(3, 1, 1)
    for _ in range(rounds):
        moves = torch.randint(-reach, reach, (2, 3, len(visited)), generator=rng)
        keep = torch.empty(3, len(visited)).uniform_(generator=rng) < share
        for image in range(3):
            for h, w in visited:
                draw = drawn_for[h, w]
                if not keep[image, draw]:
                    continue
                down, right = moves[:, image, draw].tolist()
                here, there = int(expected[image, h, w]), int(expected[image, h + down, w + right])
                expected[image, h, w] = there
                if channels == 1:
                    expected[image, h + down, w + right] = here
    assert torch.equal(made, expected.flatten(1))


def test_glass_blur_without_exchange_is_two_blurs():
    x = images((2, 3, 16, 16))
    expected = ndimage.gaussian_filter(x.numpy(), (0, 0, 0.7, 0.7), mode="nearest")
    expected = ndimage.gaussian_filter(expected, (0, 0, 0.7, 0.7), mode="nearest")
    made = blur.glass_blur(x, (0.7, 1, 2, 0.0), generator(CPU, 0))
    np.testing.assert_allclose(made.numpy(), expected, atol=2e-6)
