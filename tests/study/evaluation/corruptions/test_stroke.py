import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from study.evaluation.corruptions import edges, stroke
from trainers.core.method import generator

CPU = torch.device("cpu")


def canny(image, sigma, low, high):
    """Canny's detector pixel by pixel."""
    blurred = ndimage.gaussian_filter(image, sigma, mode="constant")
    blurred /= ndimage.gaussian_filter(np.ones_like(image), sigma, mode="constant")
    down, right = ndimage.sobel(blurred, 0), ndimage.sobel(blurred, 1)
    magnitude = np.hypot(down, right)
    peak = np.zeros(image.shape, bool)
    for i in range(1, image.shape[0] - 1):
        for j in range(1, image.shape[1] - 1):
            v, h = down[i, j], right[i, j]
            longest = max(abs(v), abs(h))
            if longest == 0:
                continue
            along = [
                ndimage.map_coordinates(magnitude, [[i + s * v / longest], [j + s * h / longest]], order=1)[0]
                for s in (1, -1)
            ]
            peak[i, j] = magnitude[i, j] >= max(along) - 1e-12
    labels, _ = ndimage.label(peak & (magnitude >= low), np.ones((3, 3)))
    kept = np.unique(labels[peak & (magnitude >= high)])
    return np.isin(labels, kept[kept > 0])


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 28, 28), (2, 33, 47)])
def test_canny_is_the_detector_pixel_by_pixel(shape):
    noise = np.random.default_rng(shape[1]).random(shape)
    x = ndimage.gaussian_filter(noise, (0, 1.2, 1.2))
    x = (x - x.min()) / (x.max() - x.min())
    made = edges.canny(torch.from_numpy(x), 1.0, 0.1, 0.2).numpy()
    assert made.any()
    for image, got in zip(x, made, strict=True):
        assert (canny(image, 1.0, 0.1, 0.2) == got).all()


def segment(canvas, start, end, width):
    """Draws one line on a 28 x 28 canvas, column by column."""
    (c0, r0), (c1, r1) = start, end
    for column in range(28):
        if math.floor(c0) <= column < math.ceil(c1):
            middle = r0 + (column - c0) * (r1 - r0) / (c1 - c0)
            for row in range(28):
                distance = abs(row - middle)
                if distance < 2.3 * width:
                    canvas[row, column] += max(0, math.log(1 - distance / (2.3 * width)) + 1)


def test_dotted_line_on_the_published_canvas():
    made = stroke.dotted_line(torch.zeros(4, 1, 28, 28), (1.0,), generator(CPU, 6)).numpy()[:, 0]
    rng = generator(CPU, 6)
    heights = [torch.randint(0, 27, (4,), generator=rng).tolist() for _ in range(2)]
    for got, first, last in zip(made, *heights, strict=True):
        expected = np.zeros((28, 28))
        segment(expected, (0, first), (27, last), 1.0)
        expected[:, [c for c in range(28) if c % 4 < 2]] = 0
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_zigzag_on_the_published_canvas():
    made = stroke.zigzag(torch.zeros(4, 1, 28, 28), (1.0,), generator(CPU, 6)).clamp(0, 1).numpy()[:, 0]
    rng = generator(CPU, 6)
    starts = torch.randint(0, 27, (4,), generator=rng).tolist()
    drops = torch.randint(-5, 5, (4,), generator=rng).tolist()
    for got, start, drop in zip(made, starts, drops, strict=True):
        length = math.hypot(23, drop)
        points = [(0, 0), (2, 2), (6, -2), (10, 2), (14, -2), (18, 2), (22, -2), (length, -2 / (2 * (length - 20)))]
        cosine, sine = 23 / length, drop / length
        points = [(2 + u * cosine - v * sine, start + u * sine + v * cosine) for u, v in points]
        expected = np.zeros((28, 28))
        for before, after in zip(points, points[1:], strict=False):
            segment(expected, before, after, 1.0)
        np.testing.assert_allclose(got, expected.clip(0, 1), atol=1e-4)


def test_stripes_invert_the_outer_quarters():
    x = torch.rand(2, 1, 28, 28, generator=generator(CPU, 0))
    made = stroke.stripe(x, (1.0,), generator(CPU, 0))
    torch.testing.assert_close(made[..., 7:21], x[..., 7:21])
    torch.testing.assert_close(made[..., :7], 1 - x[..., :7])
    torch.testing.assert_close(made[..., 21:], 1 - x[..., 21:])


def test_canny_edges_at_full_strength_are_the_edges_alone():
    x = torch.zeros(1, 1, 28, 28)
    x[..., 8:20, 8:20] = 1
    made = stroke.canny_edges(x, (1.0, 1.0), generator(CPU, 0))
    assert set(made.unique().tolist()) == {0.0, 1.0}
    half = stroke.canny_edges(x, (0.5, 1.0), generator(CPU, 0))
    torch.testing.assert_close(half, (x + made) / 2)
