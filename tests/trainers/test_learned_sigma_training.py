"""Stochastic training: the price of information, warm-up, what is kept, and whole runs."""

import copy
import math

import pytest
import torch
from torch import nn

from tests.trainers.stochastic import (
    CPU,
    batch,
    cnn,
    method,
    moments,
)
from trainers.core.loop import Fit
from trainers.core.method import generator
from trainers.core.recipe import Recipe
from trainers.learned_sigma import LearnedSigma


def test_price_is_paid_by_a_learned_sigma_only():
    model, (x, y) = cnn(), batch()
    values = {
        (learn, beta): method(model, sigma=0.2, learn=learn, beta=beta).loss(model, x, y, generator(CPU, 0)).item()
        for learn in (True, False)
        for beta in (None, 0.0, 2.0)
    }
    price = ((0.2 / 1.1) ** 2 - 1 - 2 * math.log(0.2 / 1.1)) / 2
    assert values[True, 2.0] - values[True, None] == pytest.approx(2 * price, rel=1e-6)
    plain = values[False, None]
    assert all(value == pytest.approx(plain, rel=1e-7) for key, value in values.items() if key != (True, 2.0))


def test_warm_up_grows_the_noise_linearly():
    model, (x, y) = cnn(), batch()
    trainer, rng = method(model, sigma=0.5, warmup=3), generator(CPU, 0)
    seen = []
    for epoch in range(6):
        trainer.start_epoch(epoch, model, None, rng)
        seen.append(moments(trainer, model, x, y)[1].sum().sqrt().item())
    assert [value / seen[-1] for value in seen] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert trainer.metrics()["sigma"].item() == pytest.approx(0.5)


@pytest.mark.parametrize("sigma", [1e-3, 0.1, 1.1, 9.0])
def test_a_learned_sigma_starts_where_it_is_told(sigma):
    assert method(cnn(), sigma=sigma).metrics()["sigma"].item() == pytest.approx(sigma, rel=1e-5)


def test_state_is_rho_alone_and_hyper_parameters_win():
    model = cnn()
    first, second = (
        method(model, **options)
        for options in ({"sigma": 0.3, "sigma_lr": 1e-2}, {"sigma": 0.9, "sigma_lr": 5e-2, "beta": 0.7, "warmup": 2})
    )
    assert list(first.state_dict()) == ["rho"]
    assert not method(model, sigma=0.3, learn=False).state_dict()
    second.load_state_dict(first.state_dict())
    assert second.metrics()["sigma"].item() == pytest.approx(0.3, rel=1e-5)
    assert (second.beta, second.warmup, second.parameter_groups()[0]["lr"]) == (0.7, 2, 5e-2)
    assert method(model, sigma=0.3, learn=False).parameter_groups() == []


def test_says_what_it_does_not_take():
    with pytest.raises(ValueError, match="learn=False"):
        LearnedSigma(sigma=0.0)
    with pytest.raises(ValueError, match="got covariance='diagonal'"):
        LearnedSigma(covariance="diagonal", layer="input")
    with pytest.raises(ValueError, match="got covariance='sampled'"):
        LearnedSigma(covariance="sampled", margins=2)
    with pytest.raises(ValueError, match="got layer='every'"):
        LearnedSigma(channels=True, layer="every")
    with pytest.raises(ValueError, match="no convolution or linear layer"):
        method(nn.Sequential(nn.Flatten()))


class Blobs:
    """Four classes, told apart by which quarter of the image is bright."""

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(0)
        self.y = torch.arange(128) % 4
        self.x = 0.3 * torch.rand((128, 1, 8, 8), generator=rng)
        for i, label in enumerate(self.y.tolist()):
            self.x[i, :, 4 * (label // 2) : 4 * (label // 2) + 4, 4 * (label % 2) : 4 * (label % 2) + 4] += 0.5

    def __len__(self) -> int:
        return 128

    def batches(self, size, rng=None):
        order = torch.arange(128) if rng is None else torch.randperm(128, generator=rng)
        for chosen in order.split(size):
            yield self.x[chosen], self.y[chosen]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"covariance": "diagonal", "loss": "ece2"},
        {"covariance": "moment_matched"},
        {"layer": "input"},
        {"layer": "every", "margins": 2},
        {"covariance": "sampled", "loss": "ece2", "tie": None},
        {"channels": True, "loss": "bound"},
    ],
    ids=str,
)
def test_trains_above_chance_and_moves_sigma(options):
    data = Blobs()
    model, trainer = cnn().float(), LearnedSigma(sigma=0.3, **options)
    fit = Fit(model, trainer, data, Recipe(epochs=4, batch_size=16, lr=1e-2), seed=0, device=CPU)
    values = [fit.run_epoch() for _ in range(4)]
    with torch.no_grad():
        accuracy = (model(data.x).argmax(1) == data.y).float().mean().item()
    assert accuracy > 0.9
    assert abs(values[-1]["sigma"] - 0.3) > 1e-3


def test_without_a_price_sigma_falls_and_with_a_high_one_it_rises():
    ends = {}
    for beta in (None, 2.0):
        trainer = LearnedSigma(sigma=0.5, beta=beta)
        fit = Fit(cnn().float(), trainer, Blobs(), Recipe(epochs=3, batch_size=16), seed=0, device=CPU)
        ends[beta] = [fit.run_epoch()["sigma"] for _ in range(3)][-1]
    assert ends[None] < 0.5 < ends[2.0]


@pytest.mark.parametrize(("layer", "count"), [("first", 4), ("input", 1)])
def test_each_channel_has_a_sigma_of_its_own_and_all_are_trained(layer, count):
    trainer = LearnedSigma(sigma=0.5, channels=True, layer=layer)
    fit = Fit(cnn().float(), trainer, Blobs(), Recipe(epochs=1, batch_size=16), seed=0, device=CPU)
    started = trainer.rho.detach().clone()
    assert started.shape == (count,)
    fit.run_epoch()
    assert (trainer.rho != started).all() and trainer.sigma.shape == (count,)


def test_more_channels_than_a_thousand_are_as_good_as_any():
    wide = nn.Sequential(nn.Flatten(), nn.Linear(64, 1025)).double()
    assert method(wide, channels=True).sigma.shape == (1025,)


def test_a_resumed_run_is_the_same_run():
    def fresh() -> Fit:
        return Fit(
            cnn().float(),
            LearnedSigma(sigma=0.3, warmup=1),
            Blobs(),
            Recipe(epochs=3, batch_size=32),
            seed=1,
            device=CPU,
        )

    whole, first, second = fresh(), fresh(), fresh()
    values = [whole.run_epoch() for _ in range(3)]
    first.run_epoch()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert [second.run_epoch() for _ in range(2)] == values[1:]
