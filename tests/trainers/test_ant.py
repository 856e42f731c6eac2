"""Adversarial noise training: the game, the mixture, the memory, and a bit-identical continuation."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from trainers.ant import ANT
from trainers.core.loop import Fit
from trainers.core.method import generator
from trainers.core.recipe import Recipe
from trainers.parts.modes import evaluating

CPU = torch.device("cpu")


class Stripes:
    """Sixty-four 8 x 8 images of two classes: bright on the left or bright on the right, some noise."""

    def __init__(self) -> None:
        rng = generator(CPU, 11)
        self.y = torch.arange(64) % 2
        bright = (torch.arange(8) < 4)[None] == (self.y == 0)[:, None]
        noise = torch.randn(64, 1, 8, 8, generator=rng)
        self.x = (0.3 + 0.4 * bright[:, None, None, :] + 0.05 * noise).clamp(0, 1)

    def __len__(self) -> int:
        return 64

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.arange(64) if rng is None else torch.randperm(64, generator=rng)
        for chosen in order.split(size):
            yield self.x[chosen], self.y[chosen]


def classifier() -> nn.Module:
    rng = generator(CPU, 7)
    head = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), *head)
    with torch.no_grad():
        for parameter in (*model[0].parameters(), *model[4].parameters()):
            parameter.normal_(std=0.1, generator=rng)
    return model


def fit(method: ANT, epochs: int = 4) -> Fit:
    return Fit(classifier(), method, Stripes(), Recipe(epochs=epochs, batch_size=16), seed=3, device=CPU)


def stored(state: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(equal(i, j) for i, j in zip(a, b, strict=True))
    return a == b


@pytest.mark.parametrize(
    "ablation",
    [
        {},
        {"epsilon": 1.5},
        {"rms": 0.1},
        {"hidden": 4, "layers": 2},
        {"correlation": 3},
        {"p_clean": 0.0},
        {"p_clean": 1.0, "p_replay": None},
        {"p_replay": None},
        {"generator_lr": None},
        {"generator_lr": None, "restart_every": None},
        {"restart_every": None},
        {"restart_steps": 0},
        {"restart_every": 1, "restart_batch": 10},
        {"remember": "end", "distinct_replay": False, "order": "clean_first"},
        {"gamma": "constant"},
    ],
)
def test_every_ablation_trains_and_continues_bit_for_bit(ablation):
    options = {"restart_every": 2, "restart_steps": 3, **ablation}
    whole = fit(ANT(**options))
    for _ in range(2):
        whole.run_epoch()
    middle = stored(whole.state_dict())
    for _ in range(2):
        metrics = whole.run_epoch()
    continued = fit(ANT(**options))
    continued.load_state_dict(middle)
    for _ in range(2):
        assert continued.run_epoch()["train_loss"] > 0
    assert equal(stored(continued.state_dict()), stored(whole.state_dict()))
    assert ("generator_loss" in metrics) == (options.get("generator_lr", 1) is not None)


def test_shares_are_exact_and_noise_has_the_norm():
    method = ANT(restart_steps=0)
    model, data, rng = classifier(), Stripes(), generator(CPU, 1)
    method.setup(model, data.x, rng)
    x, y = data.x[:40], data.y[:40]
    for epoch, replayed in ((0, 0), (1, 8)):
        method.start_epoch(epoch, model, data, rng)
        for row in method.adversary.past:
            row.zero_()[-1] = 1e6  # the last parameter is the output's bias: past noise is all upwards
        before = x.clone()
        mixed = method.mixture(x, rng)
        assert torch.equal(x, before)
        assert torch.equal(mixed[20:], x[20:])
        norms = (mixed - x).flatten(1).norm(dim=1)[:20]
        torch.testing.assert_close(norms, torch.full_like(norms, 0.348 * 8))
        upwards = (mixed >= x).flatten(1).all(1)[:20]
        assert int(upwards.sum()) == replayed
        assert upwards[len(upwards) - replayed :].all()
    assert method.loss(model, x, y, rng).isfinite()


def test_the_generator_raises_the_loss_and_the_classifier_lowers_it():
    data, rng = Stripes(), generator(CPU, 1)
    model = classifier()
    method = ANT(generator_lr=1e-2, restart_steps=0, p_clean=0.0, p_replay=None)
    trained = Fit(model, ANT(restart_steps=0), data, Recipe(epochs=30, batch_size=16), seed=0, device=CPU)
    for _ in range(30):
        trained.run_epoch()

    def noisy_loss() -> float:
        with evaluating(model), torch.no_grad():
            losses = [F.cross_entropy(model(method.mixture(data.x, rng)), data.y) for _ in range(40)]
            return float(torch.stack(losses).mean())

    method.setup(model, data.x, rng)
    method.start_epoch(0, model, data, rng)
    gaussian = noisy_loss()
    model.eval()
    for _ in range(60):
        method.loss(model, data.x, data.y, rng)  # without a step of the classifier
    adversarial = noisy_loss()
    assert adversarial > 1.2 * gaussian
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        method.loss(model, data.x, data.y, rng).backward()
        optimizer.step()
    assert noisy_loss() < adversarial


def test_a_step_leaves_gradients_modes_and_statistics_to_the_classifier():
    data, model = Stripes(), classifier().train()
    method = ANT(p_clean=1.0, p_replay=None, restart_steps=0)
    plain = classifier().train()
    method.setup(model, data.x, generator(CPU, 1))
    method.loss(model, data.x, data.y, generator(CPU, 1)).backward()
    F.cross_entropy(plain(data.x), data.y).backward()
    assert model.training and model[1].training
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)
    assert equal(model.state_dict(), plain.state_dict())


def test_own_learning_rate_wins_over_a_loaded_one():
    giver, receiver = (fit(ANT(generator_lr=lr, restart_steps=2)) for lr in (1e-2, 1e-3))
    giver.run_epoch()
    state = giver.state_dict()
    receiver.load_state_dict(state)
    optimizer = receiver.method.adversary.optimizer
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3]
    assert equal(optimizer.state_dict()["state"], giver.method.adversary.optimizer.state_dict()["state"])
    receiver.run_epoch()  # continues on a copy
    assert equal(state["method"], giver.method.state_dict())
    assert not equal(receiver.method.state_dict(), giver.method.state_dict())
    words = str(receiver.method.state_dict())
    assert "lr" not in words and "rms" not in words


def test_a_mixture_beyond_one_is_refused():
    with pytest.raises(ValueError, match=r"at most 1, got 0.9 \+ 0.2"):
        ANT(p_clean=0.9)


def test_the_record_is_of_the_past_and_the_present_and_changes_nothing():
    trained = fit(ANT(restart_steps=2))
    untrained = trained.method.record(Stripes().x[:4], generator(CPU, 1))
    assert untrained["density"].shape == (1, 64) and untrained["density_epoch"].shape == (0, 1)
    for _ in range(3):
        trained.run_epoch()
    before = stored(trained.state_dict())
    found = trained.method.record(Stripes().x[:4], generator(CPU, 1))
    assert found["density"].shape == (4, 64) and found["density_epoch"].tolist() == [[0], [1], [2]]
    moved = (found["noisy"] - found["clean"]).norm(dim=1)
    torch.testing.assert_close(moved, torch.full((4,), 0.348 * 8))
    assert equal(before, stored(trained.state_dict()))
    assert equal(found, trained.method.record(Stripes().x[:4], generator(CPU, 1)))
