"""The average of the weights, beside the sum it stands for, and as the model that is measured."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support import digits, first, new_fit, same, small_cnn
from trainers.core.average import Average
from trainers.standard import Standard

DECAY = 0.4
"""Below (1 + t) / (10 + t) from the seventh step on."""


def _fit(**recipe: Any) -> Any:
    return new_fit(
        Standard(), data=first(digits().train, 160), **{"epochs": 3, "batch_size": 32, "ema_decay": DECAY, **recipe}
    )


def test_the_average_is_the_weighted_sum_of_all_weights() -> None:
    model = nn.Linear(3, 2)
    average, history = Average(model, DECAY), [model.weight.detach().clone()]
    for step in range(12):
        with torch.no_grad():
            model.weight.normal_(generator=torch.Generator().manual_seed(step))
        history.append(model.weight.detach().clone())
        average.update()
    expected = history[0].double()
    for step, weight in enumerate(history[1:], start=1):
        decay = min(DECAY, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight.double()
    assert torch.allclose(average.model.weight.double(), expected, atol=1e-6)


def test_statistics_of_batches_are_averaged_and_counters_copied() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2))
    average = Average(model, DECAY)
    for _ in range(3):
        model(torch.randn(8, 2) + 5)
        average.update()
    mine, theirs = average.model[0], model[0]
    assert mine.num_batches_tracked == 3 == theirs.num_batches_tracked
    assert not torch.equal(mine.running_mean, theirs.running_mean) and mine.running_mean.mean() > 1


def test_the_trained_model_is_not_changed_and_the_measured_one_is_the_average() -> None:
    plain, averaged = _fit(ema_decay=None), _fit()
    for fit in (plain, averaged):
        while not fit.done:
            fit.run_epoch()
    assert same(plain.model.state_dict(), averaged.model.state_dict())
    assert plain.measured_model is plain.model and averaged.measured_model is averaged.average.model
    assert not same(averaged.measured_model.state_dict(), averaged.model.state_dict())
    assert same(averaged.weights()["model"], averaged.measured_model.state_dict())
    assert not any(p.requires_grad for p in averaged.measured_model.parameters())


def test_a_finished_state_holds_the_average_as_the_model() -> None:
    fit = _fit()
    while not fit.done:
        fit.run_epoch()
    again = _fit()
    again.load_state_dict(copy.deepcopy(fit.weights()))
    assert same(again.measured_model.state_dict(), fit.measured_model.state_dict())


def test_an_average_that_begins_later_begins_with_the_weights_of_then() -> None:
    plain = _fit(ema_decay=None)
    plain.run_epoch()
    averaged = _fit()
    averaged.load_state_dict(copy.deepcopy(plain.state_dict()))
    assert same(averaged.measured_model.state_dict(), plain.model.state_dict())


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_a_constant_model_is_its_own_average(decay: float) -> None:
    model = small_cnn()
    average = Average(model, decay)
    for _ in range(5):
        average.update()
    pairs: zip[tuple[Tensor, Tensor]] = zip(average.model.parameters(), model.parameters(), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
