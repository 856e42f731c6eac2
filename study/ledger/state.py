"""The states of a trial, and which may follow which.

A trial is trained once and may be measured twice: on the validation split, where a search or a population decides by
it, and on the test split. These are two facts, each with a state of its own: `TrialFolder.selection` is PENDING,
STARTED, VALIDATED, STOPPED or FAILED; `TrialFolder.test` is PENDING, STARTED, FINISHED or FAILED.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """How far a trial is."""

    PENDING = "pending"
    """Nobody has begun."""
    STARTED = "started"
    """A worker has it, or had it when a launch ended: the next one goes on from its checkpoint."""
    VALIDATED = "validated"
    """Trained and measured on the validation split."""
    STOPPED = "stopped"
    """Ended early by a scheduler."""
    FAILED = "failed"
    """Ended by itself (diverged, a mistake in the code), or its workers died too often. A launch tries it again."""
    FINISHED = "finished"
    """Trained and measured on the test split."""


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PENDING: frozenset({State.STARTED, State.FAILED}),  # failed: its workers died before any of them had it
    State.STARTED: frozenset({State.VALIDATED, State.STOPPED, State.FINISHED, State.FAILED}),
    State.FAILED: frozenset({State.STARTED}),
    State.VALIDATED: frozenset(),
    State.STOPPED: frozenset(),
    State.FINISHED: frozenset(),
}
"""State -> the states that may follow it. A state may also follow itself: whoever died before saying that a file is
written writes the same file again."""


class IllegalTransitionError(RuntimeError):
    """A mistake of ours: a trial in one state cannot get into the other."""


def check_transition(key: str, before: State, after: State) -> None:
    """Raises IllegalTransitionError unless `after` may follow `before`. key: of the trial, for the message."""
    if before is not after and after not in TRANSITIONS[before]:
        raise IllegalTransitionError(f"trial {key} is {before} and cannot become {after}")
