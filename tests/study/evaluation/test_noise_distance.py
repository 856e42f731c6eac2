"""The noise distance against classifiers whose distances can be written down."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from study.datasets.core.data import Data, TensorSplit
from study.evaluation.core.rays import Rays
from study.evaluation.noise_distance import distances, measure, train_generator
from trainers.core.method import generator
from trainers.parts.generator import NoiseGenerator
from trainers.parts.modes import evaluating
from trainers.parts.projection import project

CPU = torch.device("cpu")
WEIGHTS = torch.randn(16, generator=generator(CPU, 21))


class Halfspace(nn.Module):
    """Class 1 where WEIGHTS . x > offset, class 0 elsewhere."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(self, x: Tensor) -> Tensor:
        score = x.flatten(1) @ WEIGHTS - self.offset
        return torch.stack([-score, score], dim=1)


def known(x: Tensor, direction: Tensor, y: int, offset: float) -> float:
    """The distance of one image, from a fine scan of the norm itself, in float64."""
    unit = (direction / direction.norm()).double().flatten()
    t = torch.from_numpy(np.geomspace(1e-3, 500, 60_000))[:, None]
    moved = (x.double().flatten() + t * unit).clamp(0, 1)
    wrong = (moved @ WEIGHTS.double() > offset).long() != y
    if not wrong.any():
        return math.inf
    return float((moved[wrong.long().argmax()] - x.double().flatten()).norm())


def test_distances_are_those_of_the_halfspace():
    rng = generator(CPU, 1)
    x, delta = torch.rand(12, 1, 4, 4, generator=rng), torch.randn(12, 1, 4, 4, generator=rng)
    offset = float((x.flatten(1) @ WEIGHTS).median()) + 0.05
    model = Halfspace(offset).eval()
    y = model(x).argmax(1)
    expected = [known(a, d, int(label), offset) for a, d, label in zip(x, delta, y, strict=True)]
    assert math.inf in expected and sum(map(math.isfinite, expected)) > 4
    y[0], expected[0] = 1 - y[0], 0.0  # already wrong
    before = x.clone(), delta.clone()
    np.testing.assert_allclose(distances(model, x, y, delta), expected, rtol=2e-3)
    np.testing.assert_allclose(distances(model, x, y, 1e-6 * delta), expected, rtol=2e-3)  # no scale
    assert torch.equal(x, before[0]) and torch.equal(delta, before[1])


def test_without_clipping_it_is_the_distance_along_the_ray():
    x, delta = torch.full((1, 1, 4, 4), 0.5), WEIGHTS.view(1, 1, 4, 4)
    offset = float(x.flatten() @ WEIGHTS) + 0.1
    found = distances(Halfspace(offset).eval(), x, torch.tensor([0]), delta)
    assert float(found) == pytest.approx(0.1 / float(WEIGHTS.norm()), rel=1e-3)


@pytest.mark.parametrize("count", [1, 2, 9, 30, 31])
def test_the_median_is_that_of_all_distances(count: int) -> None:
    rng = generator(CPU, 4)
    x, delta = torch.rand(count, 1, 4, 4, generator=rng), torch.randn(count, 1, 4, 4, generator=rng)
    model = Halfspace(float((x.flatten(1) @ WEIGHTS).median()) + 0.05).eval()
    y = (x.flatten(1) @ WEIGHTS > model.offset).long() ^ (torch.arange(count) % 5 == 0).long()
    rays = Rays(model, x, y, delta)
    assert rays.median() == float(np.median(distances(model, x, y, delta).double().numpy()))
    if count > 2:  # ways far from the middle are not followed to their end
        assert bool(rays.open.any())


def data(y: Tensor, x: Tensor) -> Data:
    split = TensorSplit((x * 255).to(torch.uint8), y)
    return Data(train=split, validation=split, test=split, classes=2, shape=(1, 4, 4), fingerprint="")


def rows_of(y: Tensor, x: Tensor, **options: int) -> dict[tuple[str, int], float]:
    rows = measure(Halfspace(0.0), data(y, x), max_steps=50, batch=16, **options)
    assert {(row.benchmark, row.metric) for row in rows} == {("noise_distance", "epsilon_median")}
    return {(row.corruption, row.severity): row.value for row in rows}


def test_median_counts_wrong_images_as_zero_and_unflipped_as_infinity():
    x = torch.zeros(4, 1, 4, 4)
    x[:, :, WEIGHTS.view(4, 4) > 0] = 1  # the strongest image of class 1
    black = torch.zeros_like(x)  # score 0: class 0
    images, all_zero = torch.cat([x[:3], black[:1]]), torch.zeros(4, dtype=torch.int64)
    assert rows_of(all_zero, images, generators=0)["gaussian", 0] == 0  # 3 are wrong
    never, delta = Halfspace(-1e3).eval(), torch.randn(x.shape, generator=generator(CPU, 0))
    found = distances(never, x, torch.ones(4, dtype=torch.int64), delta)
    assert torch.equal(found, torch.full((4,), math.inf))
    rows = measure(never, data(torch.tensor([1, 1, 1, 0]), x), generators=2, max_steps=2)
    assert [row.value for row in rows] == [math.inf] * 4


def test_rows_are_deterministic_and_the_model_is_as_before():
    rng = generator(CPU, 2)
    x = torch.rand(40, 1, 4, 4, generator=rng)
    y = (x.flatten(1) @ WEIGHTS > 0).long()
    first, again = rows_of(y, x, generators=2), rows_of(y, x, generators=2)
    assert first == again
    assert list(first) == [("gaussian", 0), ("uniform", 0), ("adversarial", 1), ("adversarial", 2)]
    assert first["adversarial", 1] != first["adversarial", 2]
    other = rows_of(y, x, generators=0, seed=1)
    assert other["gaussian", 0] != first["gaussian", 0]
    model = Halfspace(0.0).train()
    measure(model, data(y, x), generators=1, max_steps=1, images=3)
    assert model.training and model.offset.grad is None and not model.offset.any()


def test_a_trained_generator_finds_what_gaussian_noise_does_not():
    # Brightness decides: noise with a mean flips every image, noise without one hardly any.
    class Bright(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(50.0))

        def forward(self, x: Tensor) -> Tensor:
            score = self.scale * (x.flatten(1).mean(1) - 0.6)
            return torch.stack([-score, score], dim=1)

    rng, model = generator(CPU, 3), Bright()
    x = torch.rand(64, 1, 8, 8, generator=rng) * 0.4 + 0.3
    split = TensorSplit((x * 255).to(torch.uint8), torch.zeros(64, dtype=torch.int64))
    noise = NoiseGenerator(1, rng=rng)
    with evaluating(model):
        gaussian = distances(model, x, split.labels, torch.randn(x.shape, generator=rng)).median()
        steps = train_generator(noise, model, split, rng, rms=0.2, lr=1e-2, max_steps=1500, batch=32)
        with torch.no_grad():
            learned = distances(model, x, split.labels, noise(noise.draw(x, rng))).median()
            moved = project(x, noise(noise.draw(x, rng)), 1.6) - x
    assert steps < 1500  # converged
    assert float(learned) < 0.6 * float(gaussian)
    assert float(moved.mean()) > 0.1
