"""What a launch says while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from study.ledger.trial import Point, Trial


class Kind(StrEnum):
    """What has happened."""

    PHASE = "phase"
    """The launch begins a part of its work: `reason` names it, `total` trials belong to it, `done` are done."""
    STARTED = "started"
    """A worker has taken the trial, again after a fault."""
    EPOCH = "epoch"
    """The trial has finished an epoch, `point`."""
    RETRIED = "retried"
    """The trial's worker has died, for `reason`; another one will continue it."""
    INTERVAL = "interval"
    """Member `member` of a population has trained up to `epoch`; `trial` is its schedule so far, `score` its value."""
    STOPPED = "stopped"
    """A scheduler has ended the trial early; its history is in its folder."""
    FINISHED = "finished"
    """The trial is measured, its tables are in its folder; `score` is its robustness on validation data."""
    FAILED = "failed"
    """The trial has failed for good, for `reason`."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that has happened to a trial or to the launch. Fields that its kind does not name are empty."""

    kind: Kind
    trial: Trial | None = None
    point: Point | None = None
    reason: str = ""
    member: int = 0
    epoch: int = 0
    score: float = float("nan")
    total: int = 0
    done: int = 0

    @property
    def subject(self) -> Trial:
        """The trial that the event is about; every kind but PHASE has one."""
        assert self.trial is not None
        return self.trial


Listener = Callable[[Event], None]
"""Hears of every event, in the launching process and from one thread; must return quickly."""
