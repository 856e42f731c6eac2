import pytest
import torch

from study.evaluation.corruptions.noise import gaussian_noise, impulse_noise, shot_noise, speckle_noise
from trainers.core.method import generator

CPU = torch.device("cpu")
GREY = torch.full((40, 3, 32, 32), 0.4)


@pytest.mark.parametrize(
    ("operator", "parameter", "variance"),
    [
        (gaussian_noise, 0.1, 0.1**2),
        (speckle_noise, 0.2, (0.2 * 0.4) ** 2),
        (shot_noise, 5.0, 0.4 / 5),
        (shot_noise, 300.0, 0.4 / 300),
        (impulse_noise, 0.1, 0.1 * (0.4**2 + 0.6**2) / 2 - (0.1 * 0.1) ** 2),
    ],
)
def test_moments(operator, parameter, variance):
    made = operator(GREY, (parameter,), generator(CPU, 1))
    mean = 0.4 if operator is not impulse_noise else 0.9 * 0.4 + 0.1 * 0.5
    assert float(made.mean()) == pytest.approx(mean, abs=4 * (variance / GREY.numel()) ** 0.5 + 1e-4)
    assert float(made.double().var()) == pytest.approx(variance, rel=0.03)


def test_impulses_are_black_or_white_with_equal_chance_and_the_rest_is_untouched():
    made = impulse_noise(GREY, (0.3,), generator(CPU, 2))
    shares = [float((made == value).float().mean()) for value in (0, 1, GREY[0, 0, 0, 0])]
    assert shares == pytest.approx([0.15, 0.15, 0.7], abs=0.01)


def test_photon_counts_are_whole():
    counts = shot_noise(GREY, (12.0,), generator(CPU, 3)) * 12
    torch.testing.assert_close(counts, counts.round())
