"""What the engine tells while trials run."""

from typing import Protocol

from study.ledger.trial import Point, Trial


class Listener(Protocol):
    """Hears of every trial's life, in the driver process. Called from one thread; must return quickly."""

    def started(self, trial: Trial) -> None:
        """A worker has taken the trial (again, after a fault)."""

    def epoch(self, trial: Trial, point: Point) -> None:
        """The trial has finished an epoch and stored it."""

    def retried(self, trial: Trial, reason: str) -> None:
        """The trial's worker has died; another one will continue it."""

    def finished(self, trial: Trial) -> None:
        """The trial's table is on disk."""

    def interval(self, member: int, epoch: int, trial: Trial, score: float) -> None:
        """A population's member has trained an interval; the trial is its way so far."""

    def stopped(self, trial: Trial) -> None:
        """A scheduler has stopped the trial: others do better. Its history is on disk."""

    def failed(self, trial: Trial, reason: str) -> None:
        """The trial has failed for good."""
