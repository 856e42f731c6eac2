import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from study.evaluation.corruptions import geometric
from trainers.core.method import generator

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(4, 1, 8, 8), (4, 3, 33, 47)])
@pytest.mark.parametrize("name", ["shear", "rotate", "scale", "translate"])
def test_each_map_is_scipys_with_black_outside(shape, name):
    x = torch.rand(shape, generator=generator(CPU, 1))
    level = {"shear": 0.6, "rotate": 0.4, "scale": 0.7, "translate": 1.5}[name]
    made = getattr(geometric, name)(x, (level,), generator(CPU, 2)).numpy()
    rng = generator(CPU, 2)
    signs = [geometric.signs(x, rng).flatten().tolist() for _ in range(2)]
    centre = (np.array(shape[2:]) - 1) / 2
    for image, got, first, second in zip(x.double().numpy(), made, *signs, strict=True):
        angle = first * level
        matrix, shift = {
            "shear": ([[math.cos(angle), 0], [-math.sin(angle), 1]], (0, 0)),
            "rotate": ([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]], (0, 0)),
            "scale": ([[1 / level, 0], [0, 1 / level]], (0, 0)),
            "translate": (np.eye(2), (second * level, first * level)),
        }[name]
        offset = centre - np.array(matrix) @ centre + shift
        expected = [ndimage.affine_transform(c, matrix, offset, order=1, mode="grid-constant") for c in image]
        np.testing.assert_allclose(got, np.stack(expected), atol=1e-4)


def test_signs_are_a_fair_coin():
    drawn = geometric.signs(torch.zeros(4000, 1, 1, 1), generator(CPU, 0))
    assert set(drawn.flatten().tolist()) == {-1.0, 1.0}
    assert abs(float(drawn.mean())) < 0.06
