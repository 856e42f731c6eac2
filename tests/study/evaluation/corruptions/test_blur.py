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


def clipped_zoom(image, factor):
    """SciPy's zoom of the middle, cut to the image's size; both cuts round down."""
    crops = [math.ceil(n / factor) for n in image.shape]
    starts = [(n - crop) // 2 for n, crop in zip(image.shape, crops, strict=True)]
    middle = image[starts[0] : starts[0] + crops[0], starts[1] : starts[1] + crops[1]]
    large = ndimage.zoom(middle, factor, order=1, mode="nearest")
    trims = [(m - n) // 2 for m, n in zip(large.shape, image.shape, strict=True)]
    return large[trims[0] : trims[0] + image.shape[0], trims[1] : trims[1] + image.shape[1]]


@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (1, 1, 28, 28), (1, 3, 45, 30)])
@pytest.mark.parametrize(("count", "step"), [(7, 0.01), (26, 0.01), (5, 0.06)])
def test_zoom_blur_is_the_mean_of_magnified_images(shape, count, step):
    x = images(shape)
    expected = x.double().numpy()
    for factor in np.arange(1, 1 + (count - 0.5) * step, step):
        expected = expected + np.stack([[clipped_zoom(c.double().numpy(), factor) for c in image] for image in x])
    made = blur.zoom_blur(x, (count, step), generator(CPU, 0)).numpy()
    np.testing.assert_allclose(made, expected / (count + 1), atol=1e-5)


def test_zoom_blur_of_cifar_moves_the_centre_as_published():
    """The output's centre reads -.49 -.40 -.45 -.43 -.47 pixels off, on average over the magnifications."""
    across = torch.arange(32.0).expand(1, 1, 32, 32)
    for count, shift in zip((7, 12, 16, 21, 26), (-0.49, -0.40, -0.45, -0.43, -0.47), strict=True):
        out = blur.zoom_blur(across, (count, 0.01), generator(CPU, 0))
        magnified = (out * (count + 1) - across) / count
        assert magnified[0, 0, 15:17, 15:17].mean().item() - 15.5 == pytest.approx(shift, abs=0.006)


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


def test_zoom_blur_of_a_small_image_is_that_of_28_pixels_in_proportion():
    """Read at its own pixels' places, a ramp of 8 pixels shows where 28 pixels' shifts, an 8 / 28 of them, lie."""
    across = {n: torch.arange(float(n)).expand(1, 1, n, n) for n in (8, 28)}
    out = {n: blur.zoom_blur(x, (7, 0.03), generator(CPU, 0))[0, 0, 0] for n, x in across.items()}
    inner = slice(3, 5)
    places = (torch.arange(8.0) + 0.5) * 28 / 8 - 0.5
    there = torch.from_numpy(np.interp(places.numpy(), np.arange(28), out[28].numpy()))
    torch.testing.assert_close((out[8] + 0.5)[inner].double(), (there + 0.5)[inner] * 8 / 28, atol=2e-3, rtol=0)


@pytest.mark.parametrize(("channels", "across"), [(1, 0), (3, 0.7)])
def test_glass_blur_without_exchange_is_two_blurs_and_of_one_channel_along_columns_only(channels, across):
    x = images((2, channels, 16, 16))
    expected = ndimage.gaussian_filter(x.numpy(), (0, 0, 0.7, across), mode="nearest")
    expected = ndimage.gaussian_filter(expected, (0, 0, 0.7, across), mode="nearest")
    made = blur.glass_blur(x, (0.7, 1, 2, 0.0), generator(CPU, 0))
    np.testing.assert_allclose(made.numpy(), expected, atol=2e-6)
