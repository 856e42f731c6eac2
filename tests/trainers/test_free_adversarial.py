"""Free adversarial training: against the paper's loop written out, and what passes from step to step."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.support import CPU, digits, first, new_fit, same, small_cnn
from trainers.core.method import generator
from trainers.free_adversarial import FreeAdversarial
from trainers.standard import Standard

IMAGES, SIZE, LR = 160, 32, 0.05
RECIPE: dict[str, Any] = {"batch_size": SIZE, "optimizer": "sgd", "momentum": 0.0, "lr": LR}


def _batches(epochs: int) -> list[list[tuple[Tensor, Tensor]]]:
    """The batches of each epoch, in the order the loop draws."""
    order = generator(CPU, 0, 1)
    return [list(first(digits().train, IMAGES).batches(SIZE, order)) for _ in range(epochs)]


@pytest.mark.parametrize(("replays", "epsilon"), [(1, 0.1), (2, 0.1), (3, 0.03), (8, 0.2)])
def test_the_weights_are_those_of_the_papers_loop(replays: int, epsilon: float) -> None:
    """Algorithm 1 with two separate gradients, over two epochs of five steps."""
    fit = new_fit(
        FreeAdversarial(epsilon=epsilon, replays=replays), data=first(digits().train, IMAGES), epochs=2, **RECIPE
    )
    losses = [fit.run_epoch()["train_loss"] for _ in range(2)]

    model, delta = small_cnn(), torch.zeros(SIZE, 1, 8, 8)
    expected = []
    for batches in _batches(2):
        of_epoch = []
        while len(of_epoch) < len(batches):
            x, y = batches[len(of_epoch)]  # those that come during the replays are passed over
            for _ in range(min(replays, len(batches) - len(of_epoch))):
                shown = (x + delta).requires_grad_()
                at = shown.clip(0, 1)
                of_epoch.append(F.cross_entropy(model(at), y))
                parameters = list(model.parameters())
                weights = torch.autograd.grad(of_epoch[-1], parameters, retain_graph=True)
                (ascent,) = torch.autograd.grad(of_epoch[-1], shown)
                delta = torch.clip(delta + epsilon * ascent.sign(), -epsilon, epsilon)
                with torch.no_grad():
                    for parameter, gradient in zip(parameters, weights, strict=True):
                        parameter -= LR * gradient
        expected.append(float(torch.stack(of_epoch).detach().mean()))
    assert losses == pytest.approx(expected, rel=1e-5)
    for mine, theirs in zip(fit.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(fit.method.delta, delta)
    assert delta.abs().max() > epsilon / 2


def test_one_replay_and_no_radius_is_vanilla_training() -> None:
    fits = [
        new_fit(method, data=first(digits().train, IMAGES), epochs=2, **RECIPE)
        for method in (FreeAdversarial(epsilon=0.0, replays=1), Standard())
    ]
    for fit in fits:
        fit.run_epoch()
        fit.run_epoch()
    assert same(fits[0].model.state_dict(), fits[1].model.state_dict())


def test_the_perturbation_stays_in_the_ball_and_makes_the_loss_larger() -> None:
    method, model = FreeAdversarial(epsilon=0.1, replays=4), small_cnn()
    x, y = next(digits().train.batches(48))
    method.setup(model, x, generator(CPU, 0))
    losses = []
    for _ in range(4):
        loss = method.loss(model, x, y, generator(CPU, 0))
        loss.backward()  # the weights stay: only the perturbation moves
        losses.append(float(loss))
        assert method.delta.abs().max() <= 0.1 + 1e-7
    assert losses[0] < losses[1] <= losses[3]


def test_a_smaller_radius_of_its_own_wins_over_a_stored_perturbation() -> None:
    donor, model = FreeAdversarial(epsilon=0.2), small_cnn()
    x, y = next(digits().train.batches(16))
    donor.setup(model, x, generator(CPU, 0))
    donor.loss(model, x, y, generator(CPU, 0)).backward()
    assert donor.delta.abs().max() == pytest.approx(0.2)
    taker = FreeAdversarial(epsilon=0.05)
    taker.setup(model, x, generator(CPU, 0))
    taker.load_state_dict(donor.state_dict())
    assert same(taker.delta, donor.delta.clamp(-0.05, 0.05))


def test_a_perturbation_of_another_batch_size_starts_anew() -> None:
    donor, model = FreeAdversarial(), small_cnn()
    x, y = next(digits().train.batches(16))
    donor.setup(model, x, generator(CPU, 0))
    donor.loss(model, x, y, generator(CPU, 0)).backward()
    taker = FreeAdversarial()
    taker.setup(model, x[:9], generator(CPU, 0))
    taker.load_state_dict(donor.state_dict())
    assert donor.delta.any() and same(taker.delta, torch.zeros(9, 1, 8, 8))
