"""The training loop: schedules in closed form, bit-identical continuation, paired batches, divergence."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from study.evaluation.core.predict import accuracy
from tests.support import CPU, digits, first, new_fit, same, small_cnn, stored
from trainers.core.loop import DivergedError
from trainers.core.method import Batches, generator
from trainers.gnt import GNT
from trainers.standard import Standard

EPOCHS, SIZE, IMAGES = 4, 32, 160
STEPS = IMAGES // SIZE


class Probe(Standard):
    """Vanilla training that notes what it is shown, and how many draws it makes itself."""

    def __init__(self, draws: int = 0) -> None:
        super().__init__()
        self.draws, self.shown, self.rates, self.calls = draws, [], [], []
        self.optimizer: torch.optim.Optimizer | None = None

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        self.shown.append(x.clone())
        torch.rand(self.draws, generator=rng)
        if self.optimizer is not None:
            self.rates.append([group["lr"] for group in self.optimizer.param_groups])
        return super().loss(model, x, y, rng)

    def start_epoch(self, epoch: int, model: nn.Module, data: Batches, rng: Generator) -> None:
        self.calls.append((epoch, len(data)))


class WithParameter(Standard):
    """Vanilla training with a parameter of its own, drawn by `setup` and trained at a rate of its own."""

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:
        self.scale = nn.Parameter(1 + 0.1 * torch.rand((), generator=rng))

    def parameter_groups(self) -> list[dict[str, object]]:
        return [{"params": [self.scale], "lr": 0.5}]

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        return nn.functional.cross_entropy(model(x) * self.scale, y)

    def metrics(self) -> dict[str, Tensor]:
        return {"scale": self.scale.detach()}


def _fit(method: Any, **recipe: Any) -> Any:
    return new_fit(method, data=first(digits().train, IMAGES), **{"epochs": EPOCHS, "batch_size": SIZE, **recipe})


def _rates(**recipe: Any) -> list[float]:
    probe = Probe()
    fit = _fit(probe, **recipe)
    probe.optimizer = fit.optimizer
    while not fit.done:
        fit.run_epoch()
    return [rates[0] for rates in probe.rates]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_schedules_in_closed_form(optimizer: str) -> None:
    total = EPOCHS * STEPS
    at = range(total)
    assert _rates(lr=0.02, schedule="constant", optimizer=optimizer) == [0.02] * total
    cosine = [1e-6 + (0.02 - 1e-6) * (1 + math.cos(math.pi * step / total)) / 2 for step in at]
    assert _rates(lr=0.02, schedule="cosine", optimizer=optimizer) == pytest.approx(cosine, rel=1e-9)
    step = [0.02] * (total // 2) + [0.002] * (total // 2)
    assert _rates(lr=0.02, schedule="step", optimizer=optimizer) == pytest.approx(step, rel=1e-12)


def test_an_odd_number_of_epochs_steps_in_its_middle() -> None:
    assert _rates(lr=0.1, schedule="step", epochs=3) == pytest.approx([0.1] * 8 + [0.01] * 7)


@pytest.mark.parametrize("lr", [1e-6, 1e-7])
def test_cosine_never_raises_the_rate(lr: float) -> None:
    rates = _rates(lr=lr, schedule="cosine", epochs=1)
    assert all(a >= b for a, b in zip([lr, *rates], rates, strict=False))


def test_the_methods_own_parameters_keep_their_rate_and_follow_the_schedule() -> None:
    fit = _fit(WithParameter(), lr=0.01, schedule="step", optimizer="sgd", epochs=2)
    assert [g["lr"] for g in fit.optimizer.param_groups] == [0.01, 0.5]
    start = fit.method.scale.item()
    first_epoch = fit.run_epoch()
    assert first_epoch["scale"] != start
    fit.run_epoch()
    assert [g["lr"] for g in fit.optimizer.param_groups] == pytest.approx([0.001, 0.05])


def test_a_warm_up_rises_linearly_and_the_schedule_covers_the_rest() -> None:
    total, ramp = EPOCHS * STEPS, 8
    rates = _rates(lr=0.02, schedule="linear", warmup_ratio=ramp / total)
    rising = [0.02 * (step + 1) / ramp for step in range(ramp)]
    falling = [0.02 * (total - step) / (total - ramp) for step in range(ramp, total)]
    assert rates == pytest.approx(rising + falling, rel=1e-9)


def test_a_long_gradient_is_scaled_to_the_norm_and_a_short_one_is_not_touched() -> None:
    def moved(**recipe: Any) -> Tensor:
        fit = _fit(Standard(), optimizer="sgd", momentum=0.0, lr=1.0, epochs=1, batch_size=IMAGES, **recipe)
        before = nn.utils.parameters_to_vector(fit.model.parameters())
        fit.run_epoch()
        return nn.utils.parameters_to_vector(fit.model.parameters()) - before

    free = moved()
    assert moved(max_grad_norm=0.01).norm().item() == pytest.approx(0.01, rel=1e-3)
    assert torch.allclose(moved(max_grad_norm=0.01), free * 0.01 / free.norm(), atol=1e-6)
    assert same(moved(max_grad_norm=100.0), free)


def test_adamw_decays_the_weights_apart_from_the_gradient() -> None:
    fits = [
        _fit(Standard(), optimizer="adamw", lr=0.01, epochs=1, batch_size=IMAGES, weight_decay=w) for w in (0.0, 0.5)
    ]
    start = nn.utils.parameters_to_vector(fits[0].model.parameters()).detach().clone()
    for fit in fits:
        fit.run_epoch()
    free, decayed = (nn.utils.parameters_to_vector(fit.model.parameters()) for fit in fits)
    assert torch.allclose(decayed, free - 0.01 * 0.5 * start, atol=1e-6)


def test_smoothed_labels_by_their_definition() -> None:
    x, y = digits().train.images[:40].float() / 255, digits().train.labels[:40]
    method, model = Standard(), small_cnn()
    method.label_smoothing = 0.2
    log_p = model(x).log_softmax(1)
    target = torch.full((40, 10), 0.02).scatter_(1, y[:, None], 0.82)
    expected = -(target * log_p).sum(1).mean()
    assert torch.allclose(method.loss(model, x, y, generator(CPU, 0)), expected)
    fit = _fit(Standard(), label_smoothing=0.2)
    assert fit.method.label_smoothing == 0.2


RECIPES: dict[str, dict[str, Any]] = {
    "adam": {},
    "adam, cosine, decay": {"schedule": "cosine", "weight_decay": 1e-3},
    "sgd, cosine": {"optimizer": "sgd", "schedule": "cosine", "lr": 0.05},
    "sgd, no momentum": {"optimizer": "sgd", "schedule": "step", "lr": 0.05, "momentum": 0.0},
    "bf16": {"precision": "bf16"},
    "adamw, warm-up, clipped, smoothed, averaged": {
        "optimizer": "adamw",
        "weight_decay": 0.1,
        "schedule": "linear",
        "warmup_ratio": 0.4,
        "max_grad_norm": 0.5,
        "label_smoothing": 0.1,
        "ema_decay": 0.9,
    },
}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("method", [GNT, WithParameter])
def test_continuing_from_any_epoch_is_bit_identical(recipe: str, method: Any, tmp_path: Path) -> None:
    whole = _fit(method(), **RECIPES[recipe])
    states, metrics = [copy.deepcopy(whole.state_dict())], []
    while not whole.done:
        metrics.append(whole.run_epoch())
        states.append(copy.deepcopy(whole.state_dict()))
    for epoch in range(EPOCHS):
        resumed = new_fit(
            method(), data=first(digits().train, IMAGES), model=small_cnn(seed=99), epochs=EPOCHS, batch_size=SIZE,
            **RECIPES[recipe],
        )  # fmt: skip
        resumed.load_state_dict(stored(states[epoch], tmp_path))
        assert resumed.epoch == epoch
        assert same([resumed.run_epoch() for _ in range(epoch, EPOCHS)], metrics[epoch:])
        assert same(resumed.state_dict(), states[-1]) and resumed.done


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_own_hyper_parameters_win_over_a_state(optimizer: str, tmp_path: Path) -> None:
    theirs = _fit(WithParameter(), optimizer=optimizer, lr=0.3, momentum=0.5, weight_decay=0.2, schedule="cosine")
    theirs.run_epoch()
    mine = _fit(WithParameter(), optimizer=optimizer, lr=0.01, momentum=0.8, weight_decay=0.03, nesterov=False)
    mine.load_state_dict(stored(theirs.state_dict(), tmp_path))
    groups = mine.optimizer.param_groups
    assert [g["lr"] for g in groups] == [0.01, 0.5] and all(g["weight_decay"] == 0.03 for g in groups)
    if optimizer == "sgd":
        assert all(g["momentum"] == 0.8 and g["nesterov"] is False for g in groups)
    mine.run_epoch()
    assert [g["lr"] for g in groups] == [0.01, 0.5]


@pytest.mark.parametrize("size", [SIZE, 1000])
def test_a_method_is_set_up_once_on_a_batch_as_the_steps_will_have_it(size: int) -> None:
    class Set(Standard):
        calls = 0

        def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:
            assert model is network and x.min() >= 0 and x.max() <= 1
            self.calls, self.shape, self.first_draw = self.calls + 1, x.shape, torch.rand((), generator=rng)

        def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
            assert x.shape == self.shape
            return super().loss(model, x, y, rng)

    network, method = small_cnn(), Set()
    fit = new_fit(method, model=network, data=first(digits().train, IMAGES), epochs=2, batch_size=size)
    assert method.calls == 1 and same(method.first_draw, torch.rand((), generator=generator(CPU, 0, 2)))
    fit.run_epoch()
    fit.run_epoch()
    assert method.calls == 1


def _with_dropout(seed: int = 0) -> nn.Module:
    return nn.Sequential(small_cnn(seed), nn.Dropout(0.5))


def _dropout_fit(seed: int = 0) -> Any:
    return _fit(Standard(), model=_with_dropout(), seed=seed)


def test_masks_of_dropout_are_resumed_bit_for_bit_whatever_else_draws(tmp_path: Path) -> None:
    whole = _dropout_fit()
    states, metrics = [copy.deepcopy(whole.state_dict())], []
    while not whole.done:
        metrics.append(whole.run_epoch())
        states.append(copy.deepcopy(whole.state_dict()))
    assert len({bytes(state["dropout"][0].numpy()) for state in states}) == EPOCHS + 1
    for epoch in range(EPOCHS):
        resumed = _dropout_fit()
        resumed.load_state_dict(stored(states[epoch], tmp_path))
        for done in range(epoch, EPOCHS):
            torch.rand(done + 1)  # another's draws from the global generator
            assert same(resumed.run_epoch(), metrics[done])
        assert same(resumed.state_dict(), states[-1])


def test_masks_are_the_seeds_and_the_global_generator_stays_as_it_was() -> None:
    torch.rand(3)
    fits, before = [_dropout_fit(), _dropout_fit(), _dropout_fit(seed=1)], torch.get_rng_state()
    fits[2].order.set_state(fits[0].order.get_state())  # the same batches: what differs is the masks
    losses = [fit.run_epoch()["train_loss"] for fit in fits]
    assert losses[0] == losses[1] != losses[2]
    assert same(torch.get_rng_state(), before)


def test_two_methods_see_the_same_batches_under_a_seed() -> None:
    quiet, greedy, other = Probe(), Probe(draws=100), Probe()
    fits = [_fit(quiet, epochs=2), _fit(greedy, epochs=2), _fit(other, epochs=2, seed=1)]
    for fit in fits:
        fit.run_epoch()
        fit.run_epoch()
    assert len(quiet.shown) == 2 * STEPS and same(quiet.shown, greedy.shown)
    assert not same(quiet.shown, other.shown) and not same(quiet.shown[:STEPS], quiet.shown[STEPS:])
    assert same(fits[0].order.get_state(), fits[1].order.get_state())
    assert not same(fits[0].draws.get_state(), fits[1].draws.get_state())
    assert quiet.calls == [(0, IMAGES), (1, IMAGES)]


def test_an_epoch_shows_every_image_once_but_for_the_last_part_of_a_batch() -> None:
    probe = Probe()
    fit = new_fit(probe, data=first(digits().train, 100), epochs=1, batch_size=32)
    fit.run_epoch()
    shown = torch.cat(probe.shown)
    assert len(shown) == 96 and len(shown.flatten(1).unique(dim=0)) == 96


def test_a_batch_larger_than_the_data_is_the_data() -> None:
    probe = Probe()
    fit = new_fit(probe, data=first(digits().train, 20), epochs=1, batch_size=64)
    assert math.isfinite(fit.run_epoch()["train_loss"]) and [len(x) for x in probe.shown] == [20]


def test_the_training_loss_is_the_mean_over_steps() -> None:
    class Counting(Standard):
        step = 0

        def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
            self.step += 1
            return super().loss(model, x, y, rng) * 0 + float(self.step)

    assert _fit(Counting()).run_epoch()["train_loss"] == (1 + 2 + 3 + 4 + 5) / STEPS


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_an_error_that_names_the_epoch(value: float) -> None:
    class Bad(Standard):
        def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
            return super().loss(model, x, y, rng) * value

    with pytest.raises(DivergedError, match="became (nan|inf) in epoch 1$"):
        _fit(Bad()).run_epoch()


def test_an_absurd_rate_diverges() -> None:
    fit = _fit(Standard(), optimizer="sgd", lr=1e15)
    with pytest.raises(DivergedError, match="in epoch [12]$"):
        for _ in range(2):
            fit.run_epoch()


def test_bf16_trains_with_parameters_in_float32() -> None:
    fit = new_fit(GNT(), epochs=3, batch_size=32, lr=3e-3, precision="bf16")
    losses = [fit.run_epoch()["train_loss"] for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    assert all(p.dtype == torch.float32 for p in fit.model.parameters())
    assert accuracy(fit.model, digits().validation) > 0.5
    exact = new_fit(GNT(), epochs=3, batch_size=32, lr=3e-3)
    assert exact.run_epoch()["train_loss"] == pytest.approx(losses[0], rel=0.05)


def test_no_epochs_are_done_at_once() -> None:
    assert _fit(Standard(), epochs=0).done and not _fit(Standard(), epochs=1).done


def test_streams_of_seeds_do_not_collide() -> None:
    states = {generator(CPU, a, b).initial_seed() for a in range(60) for b in range(60)}
    assert len(states) == 3600
    assert generator(CPU, 1, 2).initial_seed() == generator(CPU, 1, 2).initial_seed()
