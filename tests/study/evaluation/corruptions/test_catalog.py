import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from study.datasets import digits
from study.errors import UserError
from study.evaluation.corruptions.catalog import (
    BENCHMARKS,
    CATALOG,
    SEVERITIES,
    benchmark_for,
    corrupt,
    parameters,
)
from trainers.core.method import generator

CPU = torch.device("cpu")
SIZES = [(8, 8), (28, 28), (32, 32), (33, 47), (64, 64)]
CHANGES_ITS_KIND = {"elastic_transform", "spatter", "saturate"}
"""Published levels that are no ladder: the map becomes local, water becomes mud, grey becomes colourful."""


@given(
    name=st.sampled_from(sorted(CATALOG)),
    severity=st.sampled_from(SEVERITIES),
    size=st.sampled_from(SIZES),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 2**32 - 1),
    span=st.sampled_from([(0.0, 1.0), (0.0, 0.0), (1.0, 1.0), (0.2, 0.3)]),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_image_stays_an_image(name, severity, size, channels, seed, span):
    low, high = span
    x = torch.rand(2, channels, *size, generator=generator(CPU, seed)) * (high - low) + low
    before = x.clone()
    made = corrupt(x, name, severity, generator(CPU, seed, 1))
    assert torch.equal(x, before)
    assert made.data_ptr() != x.data_ptr()
    assert made.shape == x.shape
    assert made.dtype == torch.float32
    assert bool(((made >= 0) & (made <= 1)).all())
    assert torch.equal(made, corrupt(x, name, severity, generator(CPU, seed, 1)))


@pytest.fixture(scope="module")
def images():
    return digits.load(device=CPU).test.images.float() / 255


@pytest.mark.parametrize("size", [8, 28])
@pytest.mark.parametrize("name", sorted(CATALOG))
def test_severity_is_a_ladder_on_real_digits(images, name, size):
    x = torch.nn.functional.interpolate(images, (size, size), mode="bilinear") if size > 8 else images
    x = x[: 600 if size == 8 else 150]
    changes = [float((corrupt(x, name, s, generator(CPU, s)) - x).abs().mean()) for s in SEVERITIES]
    if name != "blue_noise_sample":  # blackens a hundredth of the pixels, most of which are black in a digit
        assert changes[0] > 1 / 255
    if name not in CHANGES_ITS_KIND:
        slack = 0.85 if name in ("fog", "frost", "pixelate", "snow") else 0.98
        assert all(later >= slack * earlier for earlier, later in zip(changes, changes[1:], strict=False))
        assert changes[4] > changes[0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", sorted(CATALOG))
def test_the_least_severity_leaves_a_mark_at_eight_pixels(name, channels):
    x = torch.rand(50, channels, 8, 8, generator=generator(CPU, 0))
    made = corrupt(x, name, 1, generator(CPU, 1))
    assert float((made - x).abs().mean()) > 0.5 / 255
    correlation = torch.corrcoef(torch.stack((made.flatten(), x.flatten())))[0, 1]
    assert float(correlation) > 0.1


RANDOM = set(CATALOG) - {
    *("defocus_blur", "zoom_blur", "gaussian_blur", "brightness", "contrast", "pixelate", "jpeg_compression"),
    *("saturate", "scale", "stripe", "canny_edges", "circular_motion_blur"),
}


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_each_image_has_its_own_draw(images, name):
    x = images[:1].repeat(16, 1, 1, 1)
    made = corrupt(x, name, 3, generator(CPU, 1))
    assert bool((made != made[:1]).any()) == (name in RANDOM)


def test_benchmarks_are_complete():
    assert [len(BENCHMARKS[name]) for name in BENCHMARKS] == [15, 4, 15, 10, 10]
    assert {name for names in BENCHMARKS.values() for name in names} <= set(CATALOG)
    assert {CATALOG[name].family for name in BENCHMARKS["common"]} == {"noise", "blur", "weather", "digital"}
    assert (benchmark_for((1, 28, 28)), benchmark_for((3, 32, 32))) == ("mnist", "common")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gausian_noise", 1, (1, 8, 8)), "Did you mean 'gaussian_noise'"),
        (("fog", 6, (1, 8, 8)), "severity 6"),
        (("fog", 1, (2, 8, 8)), r"\(2, 8, 8\)"),
        (("fog", 1, (1, 7, 8)), "8 x 8"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        parameters(*arguments)
