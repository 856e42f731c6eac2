"""What is recorded of noise generators."""

import math

import torch

from trainers.core.method import generator
from trainers.parts.adversary import Adversary
from trainers.parts.generator import NoiseGenerator
from trainers.parts.portrait import density, portrait

CPU = torch.device("cpu")


def test_the_density_of_gaussian_noise_is_the_normal_law() -> None:
    noise = 7 * torch.randn(1_000_000, generator=generator(CPU, 0))
    edges = torch.linspace(-4, 4, 65, dtype=torch.float64)
    law = torch.special.ndtr(edges).diff() * 8
    torch.testing.assert_close(density(noise).double(), law, atol=0.006, rtol=0)
    assert abs(float(density(noise).sum()) / 8 - 1) < 1e-3


def test_the_density_of_two_values_is_two_bins() -> None:
    found = density(torch.tensor([2.0, -2.0, 2.0, 2.0]))  # of root mean square 2: at -1 and 1
    assert found.nonzero()[:, 0].tolist() == [24, 40]
    assert found[[24, 40]].tolist() == [0.25 * 8, 0.75 * 8]


@torch.no_grad()
def test_past_generators_the_present_one_and_patches() -> None:
    rng = generator(CPU, 1)
    adversary = Adversary(NoiseGenerator(3, hidden=4, rng=rng), None)
    for epoch in range(30):
        adversary.noise.convolutions[-1].bias.fill_(epoch)  # each adds its own constant: the spread over rms shrinks
        adversary.remember()
    adversary.noise.convolutions[-1].bias.zero_()
    x = torch.rand(2, 3, 40, 32, generator=rng)
    found = portrait(adversary, x, 5.0, rng, first=1)
    assert found["density"].shape == (13, 64) and found["density_epoch"].shape == (12, 1)
    epochs = found["density_epoch"][:, 0].tolist()
    assert epochs[0] == 1 and epochs[-1] == 30 and epochs == sorted(set(epochs))
    centres = torch.arange(64) / 8 - 4 + 1 / 16
    means = [float((row * centres).sum() / 8) for row in found["density"]]
    for mean, epoch in zip(means[:-1], epochs, strict=True):
        bias = epoch - 1
        assert abs(mean - bias / math.hypot(bias, 1)) < 0.03
    assert abs(means[-1]) < 0.03
    assert found["patch"].tolist() == [[3, 28, 28]]
    assert torch.equal(found["clean"].view(2, 3, 28, 28), x[:, :, 6:34, 2:30])
    assert all(found[name].shape == (2, 3 * 28 * 28) for name in ("clean", "noise", "noisy"))
    assert found["noisy"].min() >= 0 and found["noisy"].max() <= 1
    small = portrait(adversary, x[..., :8, :8], 2.0, rng)
    moved = small["noisy"] - small["clean"]
    torch.testing.assert_close(moved.norm(dim=1), torch.full((2,), 2.0))
    inside = (small["noisy"] > 0) & (small["noisy"] < 1)
    ratio = (moved / small["noise"])[0][inside[0]]  # one gamma for all that is not clipped
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), rtol=1e-3, atol=0)
