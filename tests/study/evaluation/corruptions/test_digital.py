import io

import numpy as np
import pytest
import torch
from matplotlib.colors import hsv_to_rgb, rgb_to_hsv
from PIL import Image
from scipy import ndimage

from study.evaluation.corruptions import digital
from study.evaluation.corruptions.jpeg import roundtrip
from trainers.core.method import generator

CPU = torch.device("cpu")


def smooth(*shape):
    noise = torch.rand(shape, generator=generator(CPU, *shape)).numpy()
    blurred = ndimage.gaussian_filter(noise, (0, 0, 1.5, 1.5))
    low, high = blurred.min((1, 2, 3), keepdims=True), blurred.max((1, 2, 3), keepdims=True)
    return torch.from_numpy((blurred - low) / (high - low)).mul(255).round().div(255)


def through_pil(x, change):
    """Applies change(PIL image) -> PIL image to each image of x (B, C, H, W)."""
    arrays = x.mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    made = [np.array(change(Image.fromarray(a.squeeze(2) if a.shape[2] == 1 else a))) for a in arrays]
    return torch.from_numpy(np.stack(made).reshape(arrays.shape)).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("shape", [(4, 1, 8, 8), (4, 3, 8, 8), (4, 3, 32, 32), (4, 3, 33, 47), (4, 1, 28, 28)])
@pytest.mark.parametrize("quality", [80, 40, 25, 7])
def test_jpeg_is_within_a_grey_level_of_a_codec(shape, quality):
    def coded(image):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer)

    x = smooth(*shape)
    difference = (roundtrip(x, quality) - through_pil(x, coded)).abs() * 255
    assert float(difference.mean()) < 0.75


@pytest.mark.parametrize("shape", [(3, 1, 8, 8), (3, 3, 33, 47)])
@pytest.mark.parametrize("share", [0.95, 0.6, 0.25])
def test_pixelate_is_two_box_resizes(shape, share):
    def resized(image):
        small = (int(image.width * share), int(image.height * share))
        return image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BOX)

    x = smooth(*shape)
    made = digital.pixelate(x, (share,), generator(CPU, 0))
    torch.testing.assert_close(made, through_pil(x, resized), atol=1.1 / 255, rtol=0)


@pytest.mark.parametrize(("scale", "shift"), [(0.3, 0.0), (2.0, 0.0), (20.0, 0.2)])
def test_saturate_scales_hsv_saturation(scale, shift):
    x = smooth(3, 3, 16, 16)
    x[0] = x[0, :1]  # grey
    hsv = rgb_to_hsv(x.permute(0, 2, 3, 1).double().numpy())
    hsv[..., 1] = np.clip(hsv[..., 1] * scale + shift, 0, 1)
    made = digital.saturate(x, (scale, shift), generator(CPU, 0)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(made.numpy(), hsv_to_rgb(hsv), atol=1e-5)


def test_contrast_pulls_to_each_channels_mean():
    x = smooth(2, 3, 9, 8)
    made = digital.contrast(x, (0.4,), generator(CPU, 0))
    torch.testing.assert_close(made.mean((2, 3)), x.mean((2, 3)))
    torch.testing.assert_close(made.std((2, 3)), 0.4 * x.std((2, 3)))


@pytest.mark.parametrize(("channels", "modes"), [(1, ("grid-constant", "grid-constant")), (3, ("mirror", "reflect"))])
def test_elastic_is_an_affine_map_then_a_displacement(channels, modes):
    x, level = smooth(3, channels, 20, 24), (4.0, 2.0, 1.5)
    made = digital.elastic_transform(x, level, generator(CPU, 3)).numpy()
    rng = generator(CPU, 3)
    jitter = torch.empty(3, 3, 2).uniform_(-1.5, 1.5, generator=rng).double().numpy()
    noise = torch.empty(3, 2, 20, 24).uniform_(-1, 1, generator=rng).double().numpy()
    rows, columns = np.meshgrid(np.arange(20), np.arange(24), indexing="ij")
    corners = np.array([[12, 10]] * 3) + 6 * np.array([[1, 1], [1, -1], [-1, -1]])
    for image in range(3):
        forward = np.linalg.lstsq(np.c_[corners, np.ones(3)], corners + jitter[image], rcond=None)[0]
        back = np.linalg.inv(np.c_[forward, [0, 0, 1]])
        places = np.c_[columns.ravel(), rows.ravel(), np.ones(480)] @ back
        moved = places[:, 1].reshape(20, 24), places[:, 0].reshape(20, 24)
        shift = [ndimage.gaussian_filter(n, 2, mode="reflect", truncate=3) * 4 for n in noise[image]]
        for channel in range(channels):
            once = ndimage.map_coordinates(x[image, channel].double().numpy(), moved, order=1, mode=modes[0])
            twice = ndimage.map_coordinates(once, (rows + shift[1], columns + shift[0]), order=1, mode=modes[1])
            np.testing.assert_allclose(made[image, channel], twice, atol=1e-4)
