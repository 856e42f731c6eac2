"""Attacks against a linear classifier, whose distance to the boundary is known exactly."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import special
from torch import Tensor, nn

from study.evaluation.attacks.objectives import margin, scaled_cross_entropy, towards
from study.evaluation.attacks.pgd import ATTACK_BALLS, pgd_until_wrong
from study.evaluation.attacks.square import square
from study.evaluation.attacks.worst_case import Strength, plain_pgd, survivors

CLASSES = 4
QUICK = Strength(steps=30, targets=3, queries=150, batch=16)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(seed: int = 0) -> nn.Module:
    model = nn.Sequential(nn.Flatten(), nn.Linear(2 * 5 * 5, CLASSES))
    with torch.no_grad():
        model[1].weight.normal_(generator=rng(seed))
        model[1].bias.zero_()
    return model.eval()


def images(count: int = 40) -> Tensor:
    """Images far enough from 0 and 1 that no attack of the sizes tried is clipped."""
    return 0.4 + 0.2 * torch.rand((count, 2, 5, 5), generator=rng(1))


def exact_distance(model: nn.Module, x: Tensor, y: Tensor, norm: str) -> np.ndarray:
    """min_j (z_y - z_j) / ||w_y - w_j||_dual: how far the nearest boundary is."""
    weight, z = model[1].weight.detach().double().numpy(), model(x).detach().double().numpy()
    distances = np.full((len(x), CLASSES), np.inf)
    for i, label in enumerate(y.tolist()):
        for j in set(range(CLASSES)) - {label}:
            dual = np.linalg.norm(weight[label] - weight[j], 1 if norm == "linf" else 2)
            distances[i, j] = (z[i, label] - z[i, j]) / dual
    return distances.min(1)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_gradient_attacks_break_exactly_what_can_be_broken(norm):
    model, x = linear(), images()
    y = model(x).argmax(1)
    distance = exact_distance(model, x, y, norm)
    epsilon = float(np.median(distance))
    assert epsilon < 0.3
    clear = np.abs(distance / epsilon - 1) > 0.05  # on the boundary itself a step's end decides
    got = survivors(model, x, y, ATTACK_BALLS[norm](epsilon), QUICK, seed=0)
    assert got.clean.all()
    np.testing.assert_array_equal(got.worst.numpy()[clear], (distance > epsilon)[clear])
    np.testing.assert_array_equal(got.pgd.numpy()[clear], (distance > epsilon)[clear])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_square_search_breaks_nothing_unbreakable_and_most_of_the_rest(norm):
    model, x = linear(), images()
    y = model(x).argmax(1)
    distance = exact_distance(model, x, y, norm)
    epsilon = float(np.median(distance))
    moved = square(model, x, y, ATTACK_BALLS[norm](epsilon), queries=400, rng=rng())
    broken = (model(moved).argmax(1) != y).numpy()
    assert not broken[distance > epsilon * 1.001].any()
    assert broken[distance < 0.6 * epsilon].all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_attacks_stay_in_the_ball_and_never_write_their_input(norm):
    model, x, ball = linear(), images(8), ATTACK_BALLS[norm](0.2)
    y, before = model(x).argmax(1), x.clone()
    tried = [
        pgd_until_wrong(model, x, y, ball, margin, steps=7, step=0.4, rng=rng()),
        pgd_until_wrong(model, x, y, ball, margin, steps=7, step=1, rng=rng(), schedule="falling", momentum=0.75),
        square(model, x, y, ball, queries=20, rng=rng()),
    ]
    for moved in tried:
        torch.testing.assert_close(ball.around(x, moved), moved)
        assert not moved.requires_grad
    assert torch.equal(x, before)
    assert all(parameter.grad is None for parameter in model.parameters())


class Island(nn.Module):
    """Class 1 where an image's mean is within 0.05 of 0.6, else class 0; the third logit, never the largest, climbs."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((1, 2, 3))
        return torch.stack([torch.zeros_like(mean), 0.05 - (mean - 0.6).abs(), mean - 10], 1)


def test_pgd_returns_the_first_broken_iterate():
    """Each step adds 0.04: from 0.5 the second is the first in the island, which the climb leaves; from 0.7 none is."""
    x = torch.tensor([0.5, 0.7]).view(2, 1, 1, 1).expand(2, 1, 2, 2)
    moved = pgd_until_wrong(
        Island(), x, torch.zeros(2, dtype=torch.int64), ATTACK_BALLS["linf"](0.4), lambda z, y: z[:, 2],
        steps=6, step=0.1, rng=rng(), start=x,
    )  # fmt: skip
    torch.testing.assert_close(moved, torch.tensor([0.58, 0.94]).view(2, 1, 1, 1).expand(2, 1, 2, 2))


def test_objectives_against_numpy():
    z = torch.randn((6, CLASSES), generator=rng(), dtype=torch.float64) * 5
    y = torch.tensor([0, 1, 2, 3, 1, 0])
    logits, rows = z.numpy(), np.arange(6)
    others = logits.copy()
    others[rows, y] = -np.inf
    expected = others.max(1) - logits[rows, y]
    np.testing.assert_allclose(margin(z, y).numpy(), expected)
    scaled = logits / np.abs(expected)[:, None]
    cross_entropy = special.logsumexp(scaled, 1) - scaled[rows, y]
    np.testing.assert_allclose(scaled_cross_entropy(z, y).numpy(), cross_entropy)
    second = np.argsort(-others, axis=1)[:, 1]
    np.testing.assert_allclose(towards(2, z)(z, y).numpy(), logits[rows, second] - logits[rows, y])


def test_scaled_cross_entropy_has_a_gradient_where_the_plain_one_has_none():
    z = torch.tensor([[300.0, 0.0, -50.0]], requires_grad=True)
    y = torch.tensor([0])
    (plain,) = torch.autograd.grad(F.cross_entropy(z, y), z)
    (scaled,) = torch.autograd.grad(scaled_cross_entropy(z, y).sum(), z)
    assert not plain.any()
    assert scaled[0, 1] > 0


def test_survivors_are_the_same_every_time_and_fewer_with_every_attack():
    model, x = linear(), images()
    y = torch.where(torch.arange(40) < 36, model(x).argmax(1), 0)
    ball = ATTACK_BALLS["linf"](0.05)
    first, second = (survivors(model, x, y, ball, QUICK, seed=3, source=linear(1)) for _ in range(2))
    for name in ("clean", "pgd", "transfer", "worst"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    assert not (first.worst & ~first.pgd).any() and not (first.worst & ~first.transfer).any()


def test_everyone_broken_leaves_nothing_to_attack():
    """Six images pass once clean, and in plain PGD at 40 steps, at its end and to be judged; then never again."""
    model, x = linear(), images(6)
    y = model(x).argmax(1)
    passes: list[int] = []
    model.register_forward_hook(lambda module, inputs, output: passes.append(len(inputs[0])))
    got = survivors(model, x, y, ATTACK_BALLS["linf"](0.5), QUICK, seed=0)
    assert not got.pgd.any() and not got.worst.any()
    assert passes == [6] * (1 + 40 + 1 + 1)


def test_plain_pgd_is_no_weaker_than_foolbox():
    foolbox = pytest.importorskip("foolbox")
    model, x = linear(), images()
    y = model(x).argmax(1)
    epsilon = float(np.median(exact_distance(model, x, y, "linf")))
    theirs = foolbox.attacks.LinfPGD(steps=40)(foolbox.PyTorchModel(model, (0, 1)), x, y, epsilons=epsilon)[2]
    ours = model(plain_pgd(model, ATTACK_BALLS["linf"](epsilon))(x, y, rng())).argmax(1) != y
    assert ours.sum() >= theirs.sum()
