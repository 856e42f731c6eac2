import pytest
import torch

from study.models.core.dropout import Dropout, uniform

MASK = 2**64 - 1


def _count(value: int) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.int64)


def _reference(count: int, element: int) -> float:
    """The same hash on Python's unbounded integers: splitmix64, then two rounds on 32 bits."""
    key = count * 0x9E3779B97F4A7C15 & MASK
    key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9 & MASK
    key = (key ^ key >> 27) * 0x94D049BB133111EB & MASK
    bits = element ^ key >> 32
    bits = (bits ^ bits >> 16) * 0x7FEB352D & 0xFFFFFFFF
    bits = (bits ^ bits >> 15) * 0x846CA68B & 0xFFFFFFFF
    return (bits >> 8) / 2**24


@pytest.mark.parametrize("count", [0, 1, 12345, 2**62 + 7])
def test_the_hash_on_unbounded_integers(count: int) -> None:
    got = uniform(_count(count), torch.Size([5, 7]))
    assert got.flatten().tolist() == [_reference(count, i) for i in range(35)]


def test_numbers_are_uniform_and_independent_across_elements_and_passes() -> None:
    n = 200_000
    first, second = (uniform(_count(9000 + i), torch.Size([n])).double() for i in (0, 1))
    shares = torch.histc(first, 20, 0, 1) / n
    assert (shares - 0.05).abs().max() < 5 * (0.05 * 0.95 / n) ** 0.5
    pairs = [
        (first, second),
        (first[1:], first[:-1]),
        (first[1024:], first[:-1024]),
        (first[1:], second[:-1]),
    ]
    for a, b in pairs:
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 4 / n**0.5


def test_mean_is_kept_and_gradients_are_masked() -> None:
    drop, x = Dropout(0.3), torch.ones(40, 500, requires_grad=True)
    y = drop(x)
    y.sum().backward()
    zero = y == 0
    assert abs(zero.float().mean() - 0.3) < 4 * (0.21 / 20_000) ** 0.5
    assert torch.allclose(y[~zero], torch.tensor(1 / 0.7)) and torch.equal(x.grad, y.detach())


def test_evaluation_and_rate_0_are_identities() -> None:
    x = torch.rand(4, 5)
    assert torch.equal(Dropout(0.5).eval()(x), x) and torch.equal(Dropout(0.0)(x), x)


def test_the_state_resumes_the_sequence_without_the_global_generator() -> None:
    drop, x, state = Dropout(0.5), torch.ones(64), torch.get_rng_state()
    drop(x)
    copy = Dropout(0.5)
    copy.load_state_dict(drop.state_dict())
    masks = [drop(x) for _ in range(3)]
    assert all(torch.equal(mask, copy(x)) for mask in masks)
    assert not torch.equal(masks[0], masks[1]) and torch.equal(state, torch.get_rng_state())
