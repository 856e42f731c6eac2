"""Losses against numbers worked out by hand."""

import math

import torch
from torch import Tensor

from trainers.core.method import generator
from trainers.parts.losses import jensen_shannon, mixed_cross_entropy


def logits(*rows: tuple[float, ...]) -> Tensor:
    """Logits of the given probabilities."""
    return torch.tensor(rows).log()


def test_jensen_shannon_by_hand() -> None:
    """Of (1/2, 1/2), (1/4, 3/4), (3/4, 1/4): the mixture is (1/2, 1/2), and JSD = 2/3 (log 2 - H(1/4))."""
    p = [logits((0.5, 0.5)), logits((0.25, 0.75)), logits((0.75, 0.25))]
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    torch.testing.assert_close(jensen_shannon(p), torch.tensor(2 / 3 * (math.log(2) - entropy)))


def test_jensen_shannon_is_zero_for_equals_log_k_for_opposites_and_symmetric() -> None:
    rng = generator(torch.device("cpu"), 1)
    p = [torch.randn(4, 5, generator=rng) for _ in range(3)]
    assert jensen_shannon([p[0]] * 3).abs() < 1e-6
    torch.testing.assert_close(jensen_shannon(p), jensen_shannon(p[::-1]))
    corners = list(torch.eye(3).view(3, 1, 3) * 200)
    torch.testing.assert_close(jensen_shannon(corners), torch.tensor(math.log(3)))


def test_the_clamp_and_its_gradients_stay_finite() -> None:
    """The third class has probability 0 in single precision: unclamped, its logarithm would be -inf."""
    extreme = [torch.tensor([[0.0, 0.0, -200.0]], requires_grad=True) for _ in range(3)]
    loss = jensen_shannon(extreme)
    loss.backward()
    assert loss.abs() < 1e-6
    assert all(each.grad is not None and each.grad.isfinite().all() for each in extreme)


def test_mixed_cross_entropy_by_hand() -> None:
    p = logits((0.5, 0.25, 0.25), (0.1, 0.2, 0.7))
    y, order = torch.tensor([0, 2]), torch.tensor([1, 0])
    own = -(math.log(0.5) + math.log(0.7)) / 2
    other = -(math.log(0.25) + math.log(0.1)) / 2
    result = mixed_cross_entropy(p, y, torch.tensor(0.3), order)
    torch.testing.assert_close(result, torch.tensor(0.3 * own + 0.7 * other))
