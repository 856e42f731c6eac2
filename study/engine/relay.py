"""Passes Tune's events on to the launch's listeners, in the platform's own terms."""

from collections.abc import Sequence
from typing import Any

from ray import tune

from study.ledger.events import Event, Listener
from study.ledger.files import StorageError


class Relay(tune.Callback):  # type: ignore[misc]
    """Base of the callbacks that Tune is given: it hears of trials, tells the listeners, and may end the run."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listeners = listeners
        self.broken: Exception | None = None
        """Why the run cannot go on."""

    def __getstate__(self) -> dict[str, Any]:
        # Tune stores its callbacks in snapshots that are never read; what they hold cannot be stored.
        return {}

    def stop(self, error: Exception) -> None:
        """Ends the run: nothing can be written any more, or what is trained would be of no use."""
        self.broken = error

    def say(self, event: Event) -> None:
        """Tells every listener."""
        # Tune would take an error of a listener for the trial's.
        try:
            for listener in self.listeners:
                listener(event)
        except StorageError as error:
            self.stop(error)

    def stopper(self) -> tune.Stopper:
        """Returns what has Tune end the run once this relay is broken."""
        return _Stopper(self)


class _Stopper(tune.Stopper):  # type: ignore[misc]
    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.relay.broken is not None
