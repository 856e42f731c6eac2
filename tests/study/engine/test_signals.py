"""SIGTERM does what Ctrl-C does."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from study.engine.signals import deferred_interrupt, terminated_as_interrupted


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_termination_interrupts_also_where_interrupts_are_ignored(handler: Any) -> None:
    signal.signal(signal.SIGINT, handler)
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_an_interrupt_is_kept_back_until_the_end() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reached = False
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted(), deferred_interrupt():
        signal.raise_signal(signal.SIGTERM)
        reached = True
    assert reached
