"""Keeps MLflow in step with a study while it runs, from a thread of its own: training never waits for it."""

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.ledger.uri import mask

if TYPE_CHECKING:
    from study.ledger.trial import Trial
    from study.tracking.runs import Store

EVERY = 2.0
"""Seconds between two deliveries."""
HEARD = (Kind.STARTED, Kind.EPOCH, Kind.STOPPED, Kind.FINISHED, Kind.FAILED)
"""Of the other kinds MLflow shows nothing."""
PATIENCE = 60.0
"""Seconds that the end of a study waits for a sign of life from MLflow."""
REFUSED = "INVALID_PARAMETER_VALUE"
"""MLflow's code for a request that it will refuse again; all other runs are delivered."""
AGAIN = 20.0
"""Seconds in which the last delivery is tried again: a database that others keep locked is soon free."""


class Mirror:
    """A listener that streams to MLflow. What a server misses is delivered at the end, or by the next launch."""

    def __init__(self, uri: str, folder: Folder) -> None:
        self.uri, self.folder = uri, folder
        self.error: str | None = "the launch ended before it was asked"
        """Why MLflow is behind, in one line; None when it has everything, which only the end can say."""
        self.store: Store | None = None
        self.findings: Mapping[str, Sequence[str]] = {}
        """Dataset -> the sentences that the study's run shows as its description."""
        self._pending: list[Event] = []
        """What has happened and MLflow has not taken."""
        self._alive = time.monotonic()
        """When MLflow last took something."""
        self._events: queue.Queue[Event | Mapping[str, float]] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Takes note of what MLflow is to hear of. A member's run is that of its whole schedule, known at its end."""
        if event.kind in HEARD:
            self._events.put(event)

    def close(self, summary: Mapping[str, float], findings: Mapping[str, Sequence[str]] | None = None) -> None:
        """Delivers what is missing, the report, the summary and what the study says; `error` says how it went.

        Waits as long as MLflow takes what it is given, and a bounded time longer. Ctrl-C ends the wait.
        """
        self.findings = findings or {}
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
            if self._pending:
                self._attempt(self._update)
        end = time.monotonic() + AGAIN
        while not self._attempt(lambda store: self._deliver(store, summary)) and time.monotonic() < end:
            time.sleep(1)

    def _update(self, store: "Store") -> None:
        events: dict[str, list[Event]] = defaultdict(list)
        for event in self._pending:
            events[event.subject.key].append(event)
        trials = [each[-1].subject for each in events.values()]
        # What is refused here the end tries again, and says which run it was.
        self._each(store, lambda trial: _tell(store, events[trial.key]), trials)
        self._pending.clear()

    def _deliver(self, store: "Store", summary: Mapping[str, float]) -> None:
        self._update(store)
        complete: list[bool] = []
        refused = self._each(store, lambda trial: complete.append(store.deliver(trial)), self.folder.trials())
        store.report(summary, self.findings)
        store.close(complete=all(complete) and not refused)
        self.error = f"it refuses {len(refused)} runs, such as {refused[0]}" if refused else None

    def _each(self, store: "Store", act: "Callable[[Trial], None]", trials: "Iterable[Trial]") -> list[str]:
        """Acts on each trial, on as many at a time as the store takes.

        Returns what MLflow refuses for good, in a line each. Any other error ends the rest.
        """
        from mlflow.exceptions import MlflowException  # noqa: PLC0415  imported already, by the store

        def attempt(trial: "Trial") -> str | None:
            try:
                act(trial)
            except MlflowException as error:
                if error.error_code != REFUSED:
                    raise
                return f"{trial.label}, seed {trial.seed}: {' '.join(str(error).split())}"
            return None

        refused = []
        with ThreadPool(store.writers) as pool:  # of daemons: a server that is silent keeps nobody from leaving
            for reason in pool.imap_unordered(attempt, trials):
                self._alive = time.monotonic()
                refused += [reason] if reason else []
        return refused

    def _attempt(self, act: "Callable[[Store], None]") -> bool:
        """Whether it could be done; `error` says why not."""
        try:
            # The import takes seconds. The first event comes once Ray runs: nobody waits for it then.
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


def _tell(store: "Store", events: Sequence[Event]) -> None:
    """Tells the store what has happened to a trial: of one that has ended well only that, its folder says the rest."""
    for event in events:
        if event.kind in (Kind.FINISHED, Kind.STOPPED):
            return store.finish(event.subject)
    for kind, group in groupby(events, key=lambda event: event.kind):
        *_, last = same = list(group)
        if kind is Kind.STARTED:
            store.start(last.subject)
        elif kind is Kind.EPOCH:
            store.log(last.subject, [event.point for event in same if event.point is not None])  # one request
        else:
            store.fail(last.subject, last.reason)
    return None
