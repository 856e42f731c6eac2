import math

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as transforms

from study.datasets.core.streaming import centre, random_box
from tests.study.datasets.writers import images


@pytest.mark.parametrize(("height", "width"), [(300, 400), (37, 21), (8, 8)])
def test_boxes_lie_inside_and_keep_their_ranges(height: int, width: int) -> None:
    rng = torch.Generator().manual_seed(0)
    for _ in range(300):
        top, left, h, w = random_box(height, width, rng)
        assert 0 <= top <= height - h and 0 <= left <= width - w and h > 0 and w > 0
        slack = 1 + 2 / min(h, w)  # rounding to whole pixels
        assert 3 / 4 / slack <= w / h <= 4 / 3 * slack


def test_area_ratio_and_place_have_the_published_laws() -> None:
    rng = torch.Generator().manual_seed(0)
    boxes = torch.tensor([random_box(1000, 1000, rng) for _ in range(4000)], dtype=torch.float64)
    top, left, h, w = boxes.unbind(1)
    area = h * w / 1e6
    # At most 3/4 of the square fits at any ratio, so below that nothing was rejected: uniform there.
    small = area[area < 0.74]
    assert small.min() < 0.09 and abs(small.mean() - 0.41) < 0.01
    assert abs((w / h).log().mean()) < 4 * math.log(4 / 3) / math.sqrt(3 * 4000)
    assert abs((top / (1000 - h).clamp(min=1)).mean() - 0.5) < 0.02
    assert abs((left / (1000 - w).clamp(min=1)).mean() - 0.5) < 0.02


def test_a_strip_falls_back_to_its_centre() -> None:
    boxes = {random_box(10, 1000, torch.Generator().manual_seed(seed)) for seed in range(20)}
    assert boxes == {(0, 493, 10, 13)}


def test_the_centre_of_an_image_as_large_as_the_resize_is_a_slice() -> None:
    array = images(256, 300, 3)  # 256 rows
    image = Image.fromarray(array)
    assert np.array_equal(np.asarray(centre(image, 224)), array[16:240, 38:262])
    assert transforms.get_size(centre(image, 32)) == [32, 32]
