"""Certificates against SciPy's exact bounds, a half-space whose robust radius is a distance, and attacks in L2."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.optimize import brentq
from torch import Tensor, nn

from study.datasets.core.data import Data, TensorSplit
from study.evaluation.attacks.pgd import ATTACK_BALLS
from study.evaluation.attacks.worst_case import Strength, survivors
from study.evaluation.certified import Draws, certify, measure
from study.evaluation.core.binomial_bounds import clopper_pearson, log_wealth, sequence_lower
from study.evaluation.core.predict import front
from tests.support import digits, small_cnn
from trainers.core.loop import Fit
from trainers.core.method import generator
from trainers.core.recipe import Recipe
from trainers.gnt import GNT

CPU = torch.device("cpu")


class HalfSpace(nn.Module):
    """Class 1 where the sum of all pixels is above a threshold: its distance is |sum - threshold| / sqrt(d)."""

    def forward(self, x: Tensor) -> Tensor:
        above = x.sum((1, 2, 3)) - 8
        return torch.stack([-above, above], 1)


def _grey(levels: list[int]) -> Data:
    images = torch.tensor(levels, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()
    split = TensorSplit(images, torch.ones(len(levels), dtype=torch.int64))
    return Data(train=split, validation=split, test=split, classes=2, shape=(1, 4, 4), fingerprint="")


def test_the_lower_bound_is_scipys_exact_one() -> None:
    hits = np.array([0, 1, 50, 99, 100])
    expected = [
        stats.binomtest(int(k), 100, alternative="greater").proportion_ci(0.999, method="exact").low for k in hits
    ]
    assert clopper_pearson(hits, 100, 0.001) == pytest.approx(np.array(expected), abs=1e-9)


def test_the_wealth_is_the_product_of_the_bets() -> None:
    outcomes, p, wealth, hits = (1, 1, 0, 1, 0, 1, 1), 0.4, 1.0, 0
    for seen, hit in enumerate(outcomes):
        bet = (hits + 0.5) / (seen + 1)  # Krichevsky and Trofimov's estimate of the next outcome
        wealth *= bet / p if hit else (1 - bet) / (1 - p)
        hits += hit
    assert log_wealth(np.array([hits]), np.array([len(outcomes)]), np.array([p]))[0] == pytest.approx(math.log(wealth))


def test_the_sequence_covers_at_every_number_of_draws() -> None:
    runs, draws, p, alpha = 1000, 400, 0.9, 0.05
    hits = (np.random.default_rng(0).random((runs, draws)) < p).cumsum(axis=1)
    lower = np.stack([sequence_lower(hits[:, n - 1], np.full(runs, n), alpha) for n in range(1, draws + 1)], axis=1)
    assert 0 < (lower > p).any(axis=1).mean() <= alpha
    most = int(hits[0, -1])
    root = brentq(lambda q: log_wealth(np.array([most]), np.array([draws]), np.array([q]))[0] - math.log(20), 0.5, 0.88)
    assert lower[0, -1] == pytest.approx(root)
    single = clopper_pearson(hits[:, -1], draws, alpha)
    assert (lower[:, -1] <= single).all()


def test_counts_are_those_of_a_loop_over_draws() -> None:
    x, model = digits().test.images[:3] / 255, small_cnn().eval()
    with torch.inference_mode():
        counts = Draws(model, 0.5, 10, True, generator(CPU, 7), batch=8).count(x, 5)
    rng, expected = generator(CPU, 7), np.zeros((3, 10), int)
    noise = torch.cat([torch.empty(n, *x.shape[1:]).normal_(generator=rng) for n in (8, 7)])
    for place in range(15):
        noisy = (x[place // 5] + 0.5 * noise[place]).clamp(0, 1)
        expected[place // 5, int(model(noisy[None]).argmax())] += 1
    assert (counts == expected).all()


@pytest.mark.parametrize("procedure", ["clopper_pearson", "sequential"])
def test_a_half_space_is_certified_up_to_its_distance(procedure: str) -> None:
    data = _grey([80, 126, 128, 180, 220])  # those in the middle are nearer than their draws can tell
    options = {"samples": 4000, "alpha": 0.001, "procedure": procedure}
    draw = Draws(HalfSpace(), 0.5, 2, False, generator(CPU, 0), 1024)
    x = data.test.images / 255
    chosen, radius, draws = certify(draw, x, 100, radii=(0.25, 0.5), **options)
    distance = (x.sum((1, 2, 3)) - 8).abs().numpy() / 4
    assert (radius <= distance).all() and chosen[[0, 3, 4]].tolist() == [0, 1, 1]
    assert np.isneginf(radius[[1, 2]]).all() and (radius[[0, 3, 4]] >= 0.5).all()
    if procedure == "clopper_pearson":
        # Bounds from 4,000 draws lie below the truth, the more so the nearer it is to the most they can certify.
        assert radius[[0, 3, 4]] == pytest.approx(distance[[0, 3, 4]], abs=0.25)
    rows = measure(HalfSpace(), data, sigmas=(0.5,), radii=(0.0, 0.25, 0.5, 5.0), clip=False, **options)
    accuracy = [row.value for row in rows if row.metric == "accuracy"]
    assert accuracy == [0.4, 0.4, 0.4, 0.0]  # image 0 is of the other class, 1 and 2 abstain
    whole = {row.metric: row.value for row in rows if row.severity == 0}
    assert whole["abstained"] == 0.4 and whole["average_radius"] <= distance[3:].sum() / 5
    assert whole["draws"] == pytest.approx(draws.mean(), rel=0.3)
    if procedure == "sequential":
        assert draws[4] < 1000 < draws[1]


class Smoothed(nn.Module):
    """The smoothed classifier with soft votes and fixed draws: what an attack on it can climb."""

    def __init__(self, model: nn.Module, sigma: float, noise: Tensor) -> None:
        super().__init__()
        self.model, self.noise = model, sigma * noise

    def forward(self, x: Tensor) -> Tensor:
        noisy = (x[:, None] + self.noise).clamp(0, 1).flatten(0, 1)
        return self.model(noisy).softmax(1).view(len(x), len(self.noise), -1).mean(1).log()


@pytest.mark.slow
def test_no_certified_image_is_broken_within_its_radius() -> None:
    data, model = digits(), small_cnn()
    fit = Fit(model, GNT(sigma=0.25, p_clean=0.0), data.train, Recipe(epochs=10), seed=0, device=CPU)
    while not fit.done:
        fit.run_epoch()
    model.eval()
    x, y = next(front(data.test, 60, 60))
    with torch.inference_mode():
        chosen, radius, _ = certify(Draws(model, 0.25, 10, True, generator(CPU, 1), 1024), x, 100, 1000, 0.001)
    smoothed = Smoothed(model, 0.25, torch.randn(64, *data.shape, generator=generator(CPU, 2)))
    right = torch.from_numpy(chosen) == y
    for within in (0.1, 0.2, 0.3):
        certain = right & torch.from_numpy(radius >= within)
        assert certain.sum() > 10
        ball, strength = ATTACK_BALLS["l2"](within), Strength(steps=20, targets=2, queries=50)
        assert survivors(smoothed, x[certain], y[certain], ball, strength, seed=0).worst.all()
    far = survivors(smoothed, x, y, ATTACK_BALLS["l2"](2.0), Strength(steps=20, targets=2, queries=50), seed=0)
    assert far.worst.float().mean() < 0.5  # the attack itself can break them


def test_more_draws_certify_further_and_images_are_the_first() -> None:
    data = replace(_grey([255] * 3), fingerprint="")
    few, many = (measure(HalfSpace(), data, sigmas=(0.5,), samples=n, images=2, clip=False) for n in (100, 1000))
    ceilings = [0.5 * stats.norm.ppf(0.001 ** (1 / n)) for n in (100, 1000)]
    radii = [row.value for rows in (few, many) for row in rows if row.metric == "average_radius"]
    assert radii == pytest.approx(ceilings)
