import pytest

from study.evaluation.corruptions.catalog import CATALOG, parameters
from study.evaluation.corruptions.levels import Levels, column

NOISE = Levels(floors=(None,), cifar=column(1, 2, 3, 4, 5), imagenet=column(7, 14, 21, 28, 35))
BLUR = Levels(floors=(0.5,), cifar=column(0.4, 1, 2, 3, 4), imagenet=column(10, 20, 30, 40, 50))


@pytest.mark.parametrize(
    ("name", "shape", "severity", "published"),
    [
        ("gaussian_noise", (3, 32, 32), 5, (0.10,)),
        ("gaussian_noise", (3, 224, 224), 5, (0.38,)),
        ("gaussian_noise", (1, 28, 28), 3, (0.18,)),
        ("motion_blur", (3, 32, 32), 2, (6, 1.5)),
        ("motion_blur", (1, 28, 28), 2, (15, 5)),
        ("glass_blur", (1, 28, 28), 1, (0.7, 1, 2, 0.5)),
        ("fog", (3, 224, 224), 4, (2.5, 1.5, 256)),
        ("translate", (1, 28, 28), 3, (3,)),
        ("jpeg_compression", (3, 32, 32), 1, (80,)),
    ],
)
def test_published_sizes_have_published_levels(name, shape, severity, published):
    assert parameters(name, severity, shape) == pytest.approx(published)


def test_between_sizes_levels_follow_a_power_law():
    assert NOISE.at(1, 3, round(32 * 7**0.5)) == pytest.approx((7**0.5,), rel=0.01)
    assert BLUR.at(2, 3, 96) == pytest.approx((20 ** (0.5645750),), rel=0.001)


def test_lengths_scale_outside_the_published_sizes_and_amplitudes_stay():
    assert NOISE.at(2, 3, 8) == (2,)
    assert NOISE.at(2, 3, 448) == (14,)
    assert BLUR.at(2, 3, 448) == (40,)
    assert BLUR.at(5, 3, 8) == (0.5 + 3.5 / 4,)
    assert BLUR.at(1, 3, 8) == (0.4,)


def test_a_zero_is_reached_along_a_straight_line():
    levels = Levels(floors=(None,), cifar=column(0, 0, 0, 0, 0), imagenet=column(1, 1, 1, 1, 1))
    assert 0 < levels.at(1, 3, 85)[0] < 0.6


@pytest.mark.parametrize("name", CATALOG)
def test_every_table_has_five_levels_of_as_many_parameters(name):
    levels = CATALOG[name].levels
    for table in (levels.mnist, levels.cifar, levels.imagenet):
        assert table is None or [len(level) for level in table] == [len(levels.floors)] * 5
