"""A fit's own state of torch's global generators: where it starts, that it goes on, and that nobody else notices."""

import pytest
import torch
from torch import Tensor

from tests.support import CPU, same
from trainers.core.global_draws import GlobalDraws


def _draw(draws: GlobalDraws, count: int = 5) -> Tensor:
    with draws.swapped_in():
        return torch.rand(count)


def test_the_seeds_decide_the_draws_and_nothing_else_does() -> None:
    torch.rand(3)
    first = _draw(GlobalDraws(CPU, 1, 5))
    torch.rand(7)
    assert same(_draw(GlobalDraws(CPU, 1, 5)), first)
    assert not same(_draw(GlobalDraws(CPU, 2, 5)), first) and not same(_draw(GlobalDraws(CPU, 1, 6)), first)


def test_draws_go_on_where_they_ended() -> None:
    whole, parts = GlobalDraws(CPU, 1), GlobalDraws(CPU, 1)
    together = _draw(whole, 10)
    pieces = [_draw(parts, 4)]
    torch.rand(3)
    pieces.append(_draw(parts, 6))
    assert same(torch.cat(pieces), together) and same(parts.states, whole.states)
    resumed = GlobalDraws(CPU, 99)
    resumed.states = whole.states
    assert same(_draw(resumed), _draw(whole))


def test_the_global_generator_is_left_as_it_was() -> None:
    before, draws = torch.get_rng_state(), GlobalDraws(CPU, 1)
    _draw(draws)
    assert same(torch.get_rng_state(), before)
    states = draws.states
    with pytest.raises(ZeroDivisionError), draws.swapped_in():
        torch.rand(1)
        1 / 0  # noqa: B018
    assert same(torch.get_rng_state(), before) and same(draws.states, states)
