"""Keeps MLflow in step with a study while it runs, from a thread of its own: training never waits for it."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.ledger.uri import mask

if TYPE_CHECKING:
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
        for act in _updates(store, self._pending):
            with _refusals([]):  # the end tries it again, and says which run it was
                act()
            self._alive = time.monotonic()
        self._pending.clear()

    def _deliver(self, store: "Store", summary: Mapping[str, float]) -> None:
        self._update(store)
        complete, refused = True, list[str]()
        for trial in self.folder.trials():
            with _refusals(refused, f"{trial.label}, seed {trial.seed}: "):
                complete &= store.deliver(trial)
            self._alive = time.monotonic()
        store.report(summary, self.findings)
        store.close(complete=complete and not refused)
        self.error = f"it refuses {len(refused)} runs, such as {refused[0]}" if refused else None

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


@contextmanager
def _refusals(refused: list[str], run: str = "") -> Iterator[None]:
    """Adds to `refused` what MLflow refuses for good inside, with the run's name before it, and goes on behind."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  imported already, by the store

    try:
        yield
    except MlflowException as error:
        if error.error_code != REFUSED:
            raise
        refused.append(f"{run}{' '.join(str(error).split())}")


def _updates(store: "Store", events: list[Event]) -> Iterator[Callable[[], None]]:
    """Yields what tells the store: of a trial that has ended well only that, for its folder says all the rest."""
    ended = {e.subject.key: e.subject for e in events if e.kind in (Kind.FINISHED, Kind.STOPPED)}
    for trial in ended.values():
        yield partial(store.finish, trial)
    others = sorted((e for e in events if e.subject.key not in ended), key=lambda e: e.subject.key)
    for (kind, _), group in groupby(others, key=lambda e: (e.kind, e.subject.key)):
        same = list(group)
        trial = same[-1].subject
        if kind is Kind.STARTED:
            yield partial(store.start, trial)
        elif kind is Kind.EPOCH:
            yield partial(store.log, trial, [e.point for e in same if e.point is not None])  # one request
        else:
            yield partial(store.fail, trial, same[-1].reason)
