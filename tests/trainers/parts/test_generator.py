"""The noise generator: Gaussian at first, independent beyond its kernel, hurting the classifier."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from trainers.core.method import generator
from trainers.parts.generator import NoiseGenerator, generator_step
from trainers.parts.modes import evaluating
from trainers.parts.projection import project

CPU = torch.device("cpu")


def centre(z: torch.Tensor, margin: int) -> torch.Tensor:
    return F.pad(z, [-margin] * 4)


@pytest.mark.parametrize(("layers", "hidden"), [(2, 1), (4, 20), (6, 40)])
@pytest.mark.parametrize("correlation", [1, 3, 5])
def test_noise_is_gaussian_at_first(layers, hidden, correlation):
    noise = NoiseGenerator(3, hidden=hidden, layers=layers, correlation=correlation, rng=generator(CPU, 0))
    x = torch.zeros(4, 3, 12, 10)
    z = noise.draw(x, generator(CPU, 1))
    assert z.shape == (4, 3, 12 + correlation - 1, 10 + correlation - 1)
    delta = noise(z)
    assert delta.shape == x.shape
    expected = centre(z, correlation // 2)
    assert (delta - expected).norm() <= 0.02 * expected.norm()
    assert not torch.equal(delta, expected)


def test_weights_and_size_are_as_published():
    noise = NoiseGenerator(3, rng=generator(CPU, 0))
    assert sum(p.numel() for p in noise.parameters()) == 3 * 20 + 20 + 2 * (20 * 20 + 20) + 20 * 3 + 3
    weights = torch.cat([c.weight.detach().flatten() for c in noise.convolutions])
    assert weights.std() == pytest.approx(0.01, rel=0.1)
    assert all(not c.bias.any() for c in noise.convolutions)
    same, other = (NoiseGenerator(3, rng=generator(CPU, seed)) for seed in (0, 1))
    assert torch.equal(noise.convolutions[0].weight, same.convolutions[0].weight)
    assert not torch.equal(noise.convolutions[0].weight, other.convolutions[0].weight)


@pytest.mark.parametrize("correlation", [1, 3, 5])
def test_noise_is_independent_beyond_the_kernel(correlation):
    noise = NoiseGenerator(1, correlation=correlation, rng=generator(CPU, 0))
    rng = generator(CPU, 3)
    with torch.no_grad():
        for parameter in noise.parameters():
            parameter.normal_(std=0.4, generator=rng)
        delta = noise(noise.draw(torch.zeros(3000, 1, 1, 24), rng))[:, 0, 0]
    features = torch.stack([delta, delta.square(), delta.abs().sqrt()])  # not only linear dependence
    features = (features - features.mean(1, keepdim=True)) / features.std(1, keepdim=True)
    dependence = [
        max(float((a[:, :-k] * b[:, k:]).mean().abs()) for a in features for b in features) for k in range(1, 10)
    ]
    assert max(dependence[correlation - 1 :]) < 0.03
    if correlation > 1:
        assert max(dependence[: correlation - 1]) > 0.05


def classifier() -> nn.Module:
    rng = generator(CPU, 7)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 36, 10)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3, generator=rng)
    return model


def test_steps_raise_the_loss_and_leave_the_classifier_alone():
    model, rng = classifier().train(), generator(CPU, 5)
    model[1].eval()  # a frozen layer stays frozen
    noise = NoiseGenerator(1, rng=generator(CPU, 0))
    x = torch.rand(128, 1, 8, 8, generator=rng)
    with evaluating(model), torch.no_grad():
        y = model(x).argmax(1)
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.Adam(noise.parameters(), lr=1e-2)
    losses = [generator_step(noise, optimizer, model, x, y, rng, epsilon=2.5) for _ in range(40)]
    assert torch.stack(losses[-10:]).mean() > torch.stack(losses[:10]).mean() + 0.05
    assert [m.training for m in model] == [True, False, True, True, True, True]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not losses[0].requires_grad
    assert all(p.grad is None for p in noise.parameters())


def test_one_small_step_goes_up_the_gradient():
    model = classifier().eval()
    rng = generator(CPU, 5)
    x, y = torch.rand(64, 1, 8, 8, generator=rng), torch.randint(10, (64,), generator=rng)
    noise = NoiseGenerator(1, rng=generator(CPU, 0))

    def loss() -> torch.Tensor:
        delta = noise(noise.draw(x, generator(CPU, 9)))
        return F.cross_entropy(model(project(x, delta, 2.0)), y)

    before = loss()
    returned = generator_step(
        noise, torch.optim.SGD(noise.parameters(), lr=1e-2), model, x, y, generator(CPU, 9), epsilon=2.0
    )
    assert returned == pytest.approx(float(before.detach()))
    assert loss() > before
