"""The balls of both norms, and projected gradient ascent in them, for training and as evaluation draws and rounds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from study.evaluation.attacks.pgd import ATTACK_BALLS
from trainers.core.method import generator
from trainers.parts.attack import BALLS, Ball, Norm, pgd

CPU = torch.device("cpu")
BOTH = pytest.mark.parametrize("balls", [BALLS, ATTACK_BALLS], ids=["training", "evaluation"])


def size(delta: Tensor, norm: Norm) -> Tensor:
    return delta.flatten(1).norm(p=2 if norm == "l2" else float("inf"), dim=1)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["linf", "l2"]), st.floats(0, 3), st.integers(0, 99))
def test_projection_is_inside_idempotent_and_nearest(norm: Norm, epsilon: float, seed: int) -> None:
    rng = generator(CPU, seed)
    delta, ball = torch.randn(4, 2, 3, 3, generator=rng), BALLS[norm](epsilon)
    result = ball.project(delta)
    assert (size(result, norm) <= epsilon * (1 + 1e-5)).all()
    torch.testing.assert_close(ball.project(result), result)
    inside = size(delta, norm) <= epsilon
    assert torch.equal(result[inside], delta[inside])
    for _ in range(20):
        other = ball.start(delta, rng)
        assert (size(other, norm) <= epsilon * (1 + 1e-5)).all()
        assert (size(delta - result, "l2") <= size(delta - other, "l2") + 1e-4).all()


@BOTH
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("epsilon", [0.01, 0.3, 2.0])
def test_around_lands_in_the_ball_and_in_range_and_leaves_members_alone(
    balls: dict[Norm, type[Ball]], norm: Norm, epsilon: float
) -> None:
    ball, x = balls[norm](epsilon), torch.rand((6, 2, 5, 5), generator=generator(CPU, 0))
    x[0], x[1] = 0, 1
    for moved in (x + 3 * torch.randn(x.shape, generator=generator(CPU, 1)), x + ball.start(x, generator(CPU, 2))):
        before = moved.clone()
        landed = ball.around(x, moved)
        assert (size(landed - x, norm) <= epsilon * (1 + 1e-5)).all()
        assert (landed >= 0).all() and (landed <= 1).all()
        torch.testing.assert_close(ball.around(x, landed), landed)
        assert torch.equal(moved, before)


@BOTH
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_normalised_gradient_is_the_best_unit_direction(balls: dict[Norm, type[Ball]], norm: Norm) -> None:
    gradient = torch.randn((3, 2, 5, 5), generator=generator(CPU, 0), dtype=torch.float64)
    reached = (gradient * balls[norm](1.0).normalise(gradient)).flatten(1).sum(1)
    dual = torch.linalg.vector_norm(gradient, ord=1 if norm == "linf" else 2, dim=(1, 2, 3))
    torch.testing.assert_close(reached, dual)
    assert not balls[norm](1.0).normalise(torch.zeros_like(gradient)).any()


@pytest.mark.parametrize(("balls", "power"), [(BALLS, 4), (ATTACK_BALLS, 1)], ids=["training", "evaluation"])
def test_the_length_of_a_random_start(balls: dict[Norm, type[Ball]], power: int) -> None:
    """In d dimensions the length to the power d is uniform for a point uniform in the ball; evaluation spreads it."""
    start = balls["l2"](0.5).start(torch.zeros(4000, 1, 2, 2), generator(CPU, 1))
    share = (size(start, "l2") / 0.5) ** power
    quantiles = torch.quantile(share, torch.linspace(0.1, 0.9, 9))
    assert (quantiles - torch.linspace(0.1, 0.9, 9)).abs().max() < 0.03


@pytest.mark.parametrize("momentum", [None, 0.0, 0.75])
@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.1), ("l2", 0.5)])
def test_a_linear_loss_is_maximised_exactly(norm: Norm, epsilon: float, momentum: float | None) -> None:
    """For <w, x> the maximum is at x + epsilon sign(w) (Linf) or x + epsilon w / |w| (L2)."""
    rng, ball = generator(CPU, 2), BALLS[norm](epsilon)
    x = torch.rand(3, 1, 4, 4, generator=rng) * 0.2 + 0.4
    w = torch.randn(1, 1, 4, 4, generator=rng)
    start = x + ball.start(x, rng)
    before = x.clone(), start.clone()
    result = pgd(lambda at: (w * at).sum(), x, start, ball, [epsilon / 2] * 40, momentum=momentum)
    best = x + epsilon * (w.sign() if norm == "linf" else w / w.norm())
    torch.testing.assert_close(result, best.clamp(0, 1), atol=1e-3, rtol=0)
    assert torch.equal(x, before[0]) and torch.equal(start, before[1]) and not start.requires_grad


@pytest.mark.parametrize("momentum", [None, 0.5])
def test_two_steps_by_hand(momentum: float | None) -> None:
    """L2, gradients (3, 4) and then (-4, 3): the first step goes along 0.6, 0.8; momentum bends the second one."""
    x = torch.full((1, 1, 1, 2), 0.5)
    gradients = iter(([3.0, 4.0], [-4.0, 3.0]))

    def loss(moved: Tensor) -> Tensor:
        return (moved * torch.tensor(next(gradients))).sum()

    result = pgd(loss, x, x, BALLS["l2"](1.0), [0.1, 0.01], momentum=momentum)
    second = torch.tensor([-0.8, 0.6]) if momentum is None else torch.tensor([-4 + 1.5, 3 + 2.0]) / 31.25**0.5
    expected = torch.tensor([0.5, 0.5]) + 0.1 * torch.tensor([0.6, 0.8]) + 0.01 * second
    torch.testing.assert_close(result.flatten(), expected)


def test_without_steps_the_start_is_returned() -> None:
    x = torch.full((2, 1, 3, 3), 0.5)
    assert torch.equal(pgd(torch.sum, x, x + 0.1, BALLS["linf"](0.1), []), x + 0.1)
