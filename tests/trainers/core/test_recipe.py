"""The recipe: what is off by default, and compilation in place."""

import pytest
import torch

from tests.support import digits, first, new_fit, same, small_cnn
from trainers.core.recipe import Recipe
from trainers.gnt import GNT
from trainers.standard import Standard


def test_everything_but_the_optimiser_is_off_by_default() -> None:
    recipe = Recipe()
    assert [recipe.lr_factor(at / 7, 1 / 7) for at in range(7)] == [1.0] * 7
    off = (recipe.max_grad_norm, recipe.ema_decay, recipe.compile, recipe.label_smoothing, recipe.warmup_ratio)
    assert off == (None, None, None, 0.0, 0.0)


@pytest.mark.parametrize("recipe", [{"max_grad_norm": 1e9}, {"warmup_ratio": 1e-9}, {"ema_decay": 0.5}])
def test_an_option_that_does_nothing_to_training_leaves_the_weights_alone(recipe: dict[str, float]) -> None:
    fits = [new_fit(GNT(), data=first(digits().train, 96), epochs=1, **extra) for extra in ({}, recipe)]
    for fit in fits:
        fit.run_epoch()
    assert same(fits[0].model.state_dict(), fits[1].model.state_dict())


def test_compilation_is_in_place_and_of_the_stages() -> None:
    model = small_cnn()
    names = list(model.state_dict())
    Recipe(compile="default").prepare(model)
    assert list(model.state_dict()) == names
    assert all(stage._compiled_call_impl is not None for stage in model.stages)
    Recipe().prepare(untouched := small_cnn())
    assert all(stage._compiled_call_impl is None for stage in untouched.stages)


@pytest.mark.slow
def test_a_compiled_model_trains_as_an_eager_one() -> None:
    losses = []
    for mode in (None, "default"):
        fit = new_fit(Standard(), data=first(digits().train, 128), epochs=2, batch_size=64, compile=mode)
        losses.append([fit.run_epoch()["train_loss"] for _ in range(2)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_adamw_is_torchs() -> None:
    model = small_cnn()
    optimizer = Recipe(optimizer="adamw", weight_decay=0.3, lr=0.02).new_optimizer(
        [{"params": list(model.parameters())}]
    )
    assert type(optimizer) is torch.optim.AdamW and optimizer.param_groups[0]["weight_decay"] == 0.3
