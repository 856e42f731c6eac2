import colorsys

import numpy as np
import pytest
import torch
from scipy import ndimage

from study.evaluation.corruptions import edges, textures, weather
from trainers.core.method import generator

CPU = torch.device("cpu")


def images(*shape):
    return torch.rand(shape, generator=generator(CPU, *shape))


def test_brightness_raises_hsv_value():
    x = images(1, 3, 8, 8)
    x[0, :, 0, 0] = 0
    made = weather.brightness(x, (0.3,), generator(CPU, 0))
    for pixel, got in zip(x[0].flatten(1).T.tolist(), made[0].flatten(1).T.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        assert got == pytest.approx(colorsys.hsv_to_rgb(hue, saturation, min(value + 0.3, 1)), abs=1e-5)


def diamond_square(side, decay, rng):
    """One map by visiting every point, as Fournier, Fussell and Carpenter describe it, on a torus."""
    grid, step, wobble = np.zeros((side, side)), side, 100.0
    while step > 1:
        half = step // 2
        for i in range(half, side, step):
            for j in range(half, side, step):
                near = [grid[(i + a) % side, (j + b) % side] for a in (-half, half) for b in (-half, half)]
                grid[i, j] = np.mean(near) + wobble * rng.uniform(-wobble, wobble)
        for i in range(0, side, half):
            for j in range((i + half) % step, side, step):
                near = [grid[(i + a) % side, (j + b) % side] for a, b in ((-half, 0), (half, 0), (0, -half), (0, half))]
                grid[i, j] = np.mean(near) + wobble * rng.uniform(-wobble, wobble)
        step, wobble = half, wobble / decay
    return (grid - grid.min()) / (grid.max() - grid.min())


def roughness(maps):
    """Mean, spread over the map, spread of neighbours: what fog looks like."""
    across = np.diff(maps, axis=-1)
    return [maps.mean(), maps.std((-1, -2)).mean(), np.abs(across).mean()]


@pytest.mark.parametrize("decay", [3.0, 1.75])
def test_plasma_has_the_statistics_of_diamond_square(decay):
    rng = np.random.default_rng(0)
    expected = np.stack([diamond_square(16, decay, rng) for _ in range(200)])
    made = textures.plasma(torch.zeros(2000, 1, 16, 16), 16, decay, generator(CPU, 1))[:, 0].numpy()
    assert roughness(made) == pytest.approx(roughness(expected), rel=0.08)
    assert made.min((1, 2)).max() == 0
    assert made.max((1, 2)).min() == 1


def test_a_corner_of_a_large_plasma_has_the_statistics_of_the_whole_maps_corner(monkeypatch):
    x = torch.zeros(300, 1, 28, 28)
    cut = textures.plasma(x, 256, 1.7, generator(CPU, 1))[:, 0].numpy()
    monkeypatch.setattr(textures, "_WHOLE", 1024)
    whole = textures.plasma(x, 256, 1.7, generator(CPU, 2))[:, 0].numpy()
    assert roughness(cut) == pytest.approx(roughness(whole), rel=0.08)


def test_fog_adds_plasma_and_keeps_the_peak():
    x = images(5, 3, 16, 16) * 0.8
    made = weather.fog(x, (1.5, 2.0, 16), generator(CPU, 0)).numpy()
    haze = textures.plasma(x, 16, 2.0, generator(CPU, 0)).numpy()
    for image, veil, got in zip(x.numpy(), haze, made, strict=True):
        np.testing.assert_allclose(got, (image + 1.5 * veil) * image.max() / (image.max() + 1.5), atol=1e-6)


def test_snow_without_flakes_whitens():
    x = images(2, 3, 9, 9)
    made = weather.snow(x, (-9.0, 0.1, 1, 0.5, 3, 1, 0.8), generator(CPU, 0)).numpy()
    for image, got in zip(x.numpy(), made, strict=True):
        grey = 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2]
        np.testing.assert_allclose(got, 0.8 * image + 0.2 * np.maximum(image, 1.5 * grey + 0.5), atol=1e-6)


def test_flakes_are_symmetric_under_a_half_turn():
    made = weather.snow(torch.zeros(3, 1, 16, 16), (0.4, 0.3, 2, 0.5, 5, 2, 1.0), generator(CPU, 0))
    torch.testing.assert_close(made, made.flip(2, 3))
    assert float(made.max()) > 0.2


def test_frost_adds_a_bluish_texture_an_image():
    black = torch.zeros(64, 3, 32, 32)
    texture = weather.frost(black, (1.0, 1.0), generator(CPU, 0))
    means = texture.mean((0, 2, 3))
    assert means[0] < means[1] < means[2]
    assert 0.45 < float(texture.mean()) < 0.7
    assert float(texture.mean((1, 2, 3)).std()) > 0.05


def test_mud_covers_with_its_colour_and_leaves_the_rest():
    x = images(8, 3, 32, 32)
    made = weather.spatter(x, (0.65, 0.3, 1, 0.65, 1.5, 1.5, 1), generator(CPU, 0))
    changed = (made - x).abs().amax(1) > 0
    colour = torch.tensor(weather.MUD).view(3, 1)
    covered = changed[:, None].expand_as(x)
    assert 0.05 < float(changed.float().mean()) < 0.95
    drift = (made - colour.view(1, 3, 1, 1)).abs() <= 0.2 * (x - colour.view(1, 3, 1, 1)).abs() + 1e-5
    assert bool(drift[covered].all())


def test_water_only_brightens_in_its_colour():
    x = torch.zeros(8, 3, 32, 32)
    made = weather.spatter(x, (0.65, 0.3, 1, 0.69, 0.5, 0.5, 0), generator(CPU, 0))
    assert float(made.max()) == pytest.approx(0.5 * 238 / 255, abs=1e-6)
    torch.testing.assert_close(made[:, 0] * 238, made[:, 1] * 175)


def test_distance_is_the_euclidean_transform():
    mask = images(6, 1, 30, 41)[:, 0] > 0.995
    expected = [ndimage.distance_transform_edt(~m) if m.any() else np.full(m.shape, 20) for m in mask.numpy()]
    np.testing.assert_allclose(edges.distance(mask, 20).numpy(), np.stack(expected).clip(max=20), atol=1e-5)


def test_equalised_levels_follow_the_cumulated_histogram():
    x = torch.randint(40, 60, (2, 1, 12, 12), generator=generator(CPU, 0)).float()
    made = weather._equalised(x).numpy()
    for image, got in zip(x.numpy()[:, 0], made[:, 0], strict=True):
        least = (image == image.min()).sum()
        for level in np.unique(image):
            rank = (image <= level).sum() - least
            assert np.unique(got[image == level]) == pytest.approx([round(rank * 255 / (144 - least))], abs=1)


def test_coarse_edges_are_found_pixel_by_pixel():
    x = ndimage.gaussian_filter(np.random.default_rng(0).random((24, 30)), 1.0)
    x = np.floor((x - x.min()) / (x.max() - x.min()) * 255)
    down, right = ndimage.sobel(x, 0, mode="nearest"), ndimage.sobel(x, 1, mode="nearest")
    magnitude = np.pad(np.abs(down) + np.abs(right), 1)
    peak = np.zeros(x.shape, bool)
    for i in range(24):
        for j in range(30):
            angle = np.rad2deg(np.arctan2(down[i, j], right[i, j])) % 180
            step = {0: (0, 1), 1: (1, 1), 2: (1, 0), 3: (1, -1), 4: (0, 1)}[round(angle / 45)]
            here = magnitude[i + 1, j + 1]
            before, after = (magnitude[i + 1 + s * step[0], j + 1 + s * step[1]] for s in (-1, 1))
            diagonal = step[0] and step[1]
            peak[i, j] = here > before and (here > after if diagonal else here >= after)
    inner = magnitude[1:-1, 1:-1]
    labels, _ = ndimage.label(peak & (inner > 50), np.ones((3, 3)))
    kept = np.unique(labels[peak & (inner > 150)])
    expected = np.isin(labels, kept[kept > 0])
    assert expected.any()
    made = edges.canny_coarse(torch.from_numpy(x)[None], 50, 150)[0].numpy()
    assert (made == expected).all()
