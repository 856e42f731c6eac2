"""Keeps MLflow in step with a study while it runs, from a thread of its own: training never waits for it."""

import queue
import threading
import time
from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Literal, NamedTuple

from study.folder import Folder
from study.trial import Point, Trial

if TYPE_CHECKING:
    from study.tracking import Store

EVERY = 2.0
"""Seconds between two deliveries."""
PATIENCE = 60.0
"""Seconds that the end of a study waits for MLflow."""


class Event(NamedTuple):
    """Something that happened to a trial."""

    kind: Literal["start", "epoch", "finish", "fail"]
    trial: Trial
    point: Point | None = None
    reason: str = ""


class Mirror:
    """A listener that streams to MLflow. What a server misses is delivered at the end, or by the next launch."""

    def __init__(self, uri: str, folder: Folder, trials: list[Trial]) -> None:
        self.uri, self.folder, self.trials = uri, folder, trials
        self.error: str | None = "its thread ended early, by the error above"
        """Why MLflow is behind, in one line; None when it has everything, which only the end can say."""
        self.store: Store | None = None
        self._events: queue.Queue[Event | Mapping[str, float]] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    def started(self, trial: Trial) -> None:
        """Opens the trial's run."""
        self._events.put(Event("start", trial))

    def epoch(self, trial: Trial, point: Point) -> None:
        """Logs the epoch."""
        self._events.put(Event("epoch", trial, point))

    def finished(self, trial: Trial) -> None:
        """Completes the trial's run."""
        self._events.put(Event("finish", trial))

    def failed(self, trial: Trial, reason: str) -> None:
        """Ends the trial's run as failed."""
        self._events.put(Event("fail", trial, reason=reason))

    def close(self, summary: Mapping[str, float]) -> None:
        """Delivers what is missing, the report and the summary. Waits a bounded time; `error` says how it went."""
        self._events.put(summary)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self.error = f"no answer within {PATIENCE:g} s"

    def _work(self) -> None:
        # The import takes seconds; here it runs beside Ray's own start.
        from study.tracking import TRACKING_ERRORS, Store  # noqa: PLC0415

        summary = None
        while summary is None:
            events, summary = self._gather()
            try:
                self.store = self.store or Store(self.uri, self.folder)
                _apply(self.store, events)
                if summary is not None:
                    self.store.deliver(self.trials)
                    self.store.report(summary)
                    self.error = None
            except TRACKING_ERRORS as error:
                self.error = " ".join(str(error).split())

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


def _apply(store: "Store", events: list[Event]) -> None:
    """Tells the store; consecutive epochs of a trial go in one request."""
    for (kind, _), group in groupby(sorted(events, key=lambda e: e.trial.key), key=lambda e: (e.kind, e.trial.key)):
        same = list(group)
        trial = same[-1].trial
        if kind == "start":
            store.start(trial)
        elif kind == "epoch":
            store.log(trial, [e.point for e in same if e.point is not None])
        elif kind == "finish":
            store.finish(trial)
        else:
            store.fail(trial, same[-1].reason)
