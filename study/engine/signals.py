"""Signals that end a launch in order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """While entered, SIGTERM (a cluster's "your time is over") does what Ctrl-C does."""
    before = signal.getsignal(signal.SIGTERM)
    pass_on_termination()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def pass_on_termination() -> None:
    """Has SIGTERM call whatever handles SIGINT by then; again after Ray's start, which puts a handler of its own."""
    signal.signal(signal.SIGTERM, _pass_on)


def _pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    # Called rather than raised: in a job of Ray's, SIGINT is blocked.
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # a shell's background job ignores SIGINT
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


@contextmanager
def deferred_interrupt() -> Iterator[None]:
    """While entered, Ctrl-C is kept back until the end."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
