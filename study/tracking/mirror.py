"""Keeps MLflow in step with a study while it runs, from a thread of its own: training never waits for it."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Literal, NamedTuple

from study.ledger.folder import Folder
from study.ledger.trial import Point, Trial
from study.ledger.uri import mask

if TYPE_CHECKING:
    from study.tracking.runs import Store

EVERY = 2.0
"""Seconds between two deliveries."""
PATIENCE = 60.0
"""Seconds that the end of a study waits for a sign of life from MLflow."""
AGAIN = 20.0
"""Seconds in which the last delivery is tried again: a database that others keep locked is soon free."""


class Event(NamedTuple):
    """Something that happened to a trial."""

    kind: Literal["start", "epoch", "finish", "stop", "fail"]
    trial: Trial
    point: Point | None = None
    reason: str = ""


class Mirror:
    """A listener that streams to MLflow. What a server misses is delivered at the end, or by the next launch."""

    def __init__(self, uri: str, folder: Folder) -> None:
        self.uri, self.folder = uri, folder
        self.error: str | None = "the launch ended before it was asked"
        """Why MLflow is behind, in one line; None when it has everything, which only the end can say."""
        self.store: Store | None = None
        self._pending: list[Event] = []
        """What has happened and MLflow has not taken."""
        self._alive = time.monotonic()
        """When MLflow last took something."""
        self._events: queue.Queue[Event | Mapping[str, float]] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    def started(self, trial: Trial) -> None:
        """Opens the trial's run."""
        self._events.put(Event("start", trial))

    def epoch(self, trial: Trial, point: Point) -> None:
        """Logs the epoch."""
        self._events.put(Event("epoch", trial, point))

    def retried(self, trial: Trial, reason: str) -> None:
        """Leaves the trial's run as it is: another worker continues it."""

    def finished(self, trial: Trial) -> None:
        """Completes the trial's run."""
        self._events.put(Event("finish", trial))

    def interval(self, member: int, epoch: int, trial: Trial, score: float) -> None:
        """Leaves it: a member's run is that of its whole way, which is known at its end."""

    def stopped(self, trial: Trial) -> None:
        """Completes the run of a trial that was stopped early."""
        self._events.put(Event("stop", trial))

    def failed(self, trial: Trial, reason: str) -> None:
        """Ends the trial's run as failed."""
        self._events.put(Event("fail", trial, reason=reason))

    def close(self, summary: Mapping[str, float]) -> None:
        """Delivers what is missing, the report and the summary; `error` says how it went.

        Waits as long as MLflow takes what it is given, and a bounded time longer. Ctrl-C ends the wait.
        """
        self._events.put(summary)
        self._alive = time.monotonic()
        try:
            while self._thread.is_alive() and time.monotonic() < self._alive + PATIENCE:
                self._thread.join(0.1)
        except KeyboardInterrupt:
            self.error = "stopped by Ctrl-C"
            return
        if self._thread.is_alive():
            self.error = f"no answer within {PATIENCE:g} s"

    def _work(self) -> None:
        summary: Mapping[str, float] | None = None
        while summary is None:
            events, summary = self._gather()
            self._pending += events
            self._attempt(self._tell)
        end = time.monotonic() + AGAIN
        while not self._attempt(lambda store: self._deliver(store, summary)) and time.monotonic() < end:
            time.sleep(1)

    def _tell(self, store: "Store") -> None:
        for act in _told(store, self._pending):
            act()
            self._alive = time.monotonic()
        self._pending.clear()

    def _deliver(self, store: "Store", summary: Mapping[str, float]) -> None:
        self._tell(store)
        complete = True
        for trial in self.folder.trials():
            complete &= store.deliver(trial)
            self._alive = time.monotonic()
        store.report(summary)
        store.close(complete=complete)
        self.error = None

    def _attempt(self, act: "Callable[[Store], None]") -> bool:
        """Whether it could be done; `error` says why not."""
        try:
            # The import takes seconds; here it runs beside Ray's own start.
            from study.tracking.runs import Store  # noqa: PLC0415

            if self.store is None:
                self.store = Store(self.uri, self.folder)
                self.store.open()
            act(self.store)
        except Exception as error:  # noqa: BLE001  whatever it is must be told: a thread that ends says nothing
            self.error = mask(f"{type(error).__name__}: {' '.join(str(error).split())}")
            self.store = None  # what an unanswered request has done is not known: look again
            return False
        self._alive = time.monotonic()
        return True

    def _gather(self) -> tuple[list[Event], Mapping[str, float] | None]:
        """Returns the events of the next two seconds, and the summary if the study has ended."""
        events: list[Event] = []
        until = time.monotonic() + EVERY
        while (left := until - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left)
            except queue.Empty:
                break
            if not isinstance(event, Event):
                return events, event
            events.append(event)
        return events, None


def _told(store: "Store", events: list[Event]) -> Iterator[Callable[[], None]]:
    """Yields what tells the store: of a trial that has ended well only that, for its table says all the rest."""
    ended = {event.trial.key: event.trial for event in events if event.kind in ("finish", "stop")}
    for trial in ended.values():
        yield partial(store.finish, trial)
    others = sorted((e for e in events if e.trial.key not in ended), key=lambda e: e.trial.key)
    for (kind, _), group in groupby(others, key=lambda e: (e.kind, e.trial.key)):
        same = list(group)
        trial = same[-1].trial
        if kind == "start":
            yield partial(store.start, trial)
        elif kind == "epoch":
            yield partial(store.log, trial, [e.point for e in same if e.point is not None])  # one request
        else:
            yield partial(store.fail, trial, same[-1].reason)
