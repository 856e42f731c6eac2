"""How far a launch is: what its panel shows, and what progress.json tells `study status` in another terminal."""

import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from statistics import fmean
from typing import Any

import psutil

from search_spaces.core.space import Study
from study.ledger import files, results
from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.ledger.headline import headline
from study.ledger.state import State
from study.ledger.trial import Trial

EVERY = 1.0
"""Seconds between two writes of progress.json."""
SILENT = 600.0
"""Seconds after which a launch on another machine that writes nothing counts as gone."""
SHOWN = 5
"""How many leading settings and failures are named."""


@dataclass
class Progress:
    """A launch's state, of the events so far. Times are seconds since 1970; 0 where it has not come to that."""

    name: str = ""
    objective: str = "corruption"
    """What `leading` is ranked by: an accuracy on validation images."""
    phase: str = ""
    """What the launch does now; empty before it begins and "ended" after its end."""
    total: int = 0
    done: int = 0
    before: int = 0
    """How many were done before this launch: they say nothing about the pace."""
    failed: int = 0
    launched: float = field(default_factory=time.time)
    since: float = 0.0
    """When the first trial of the phase started: before it Ray starts."""
    updated: float = field(default_factory=time.time)
    running: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Key of the trial -> its "name", and the "epoch" of "epochs" that it has behind it."""
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    """Setting -> seed -> objective, of what is validated; a population's member has its latest interval alone."""
    failures: list[str] = field(default_factory=list)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)

    def hear(self, event: Event) -> None:
        """Takes an event in."""
        self.updated = time.time()
        match event.kind:
            case Kind.PHASE:
                self.phase, self.running = event.reason, {}
                if event.total:  # the report and MLflow's delivery count nothing of their own
                    self.total, self.done, self.before = event.total, event.done, event.done
                    self.failed, self.since = 0, 0.0
            case Kind.STARTED:
                self._start(event.subject, event.subject.key, name(event.subject))
            case Kind.EPOCH:
                assert event.point is not None
                self._start(event.subject, event.subject.key, name(event.subject))
                self.running[event.subject.key]["epoch"] = int(event.point["epoch"])
            case Kind.INTERVAL:
                self._interval(event)
            case Kind.RETRIED:
                self.running.pop(event.subject.key, None)
            case Kind.STOPPED:
                self.running.pop(event.subject.key, None)
                self.done += 1
            case Kind.FINISHED:
                self.running.pop(event.subject.key, None)
                self.done += 1
                self._score(event.subject.label, event.subject.seed, event.score)
            case Kind.FAILED:
                self.running.pop(event.subject.key, None)
                self.failed += 1
                self.failures = [*self.failures, f"{name(event.subject)}: {event.reason}"][-SHOWN:]

    @property
    def leading(self) -> list[tuple[float, str, int]]:
        """The best settings so far: mean over seeds, label and number of seeds."""
        ranked = [(fmean(each.values()), label, len(each)) for label, each in self.scores.items()]
        return sorted(ranked, key=lambda each: -each[0])[:SHOWN]

    def share(self, key: str) -> float:
        """Returns the share of its epochs that a running trial has behind it; 0 of one that does not run."""
        trial = self.running.get(key, {"epoch": 0, "epochs": 1})
        epoch, epochs = int(trial["epoch"]), int(trial["epochs"])
        return epoch / max(1, epochs)

    @property
    def worked(self) -> float:
        """Trials done, with the shares of those that run."""
        return self.done + self.failed + sum(self.share(key) for key in self.running)

    def rate(self, now: float) -> float:
        """Returns the trials a second of this phase so far; 0 while nothing says so."""
        seconds = now - self.since
        return (self.worked - self.before) / seconds if self.since and seconds > 0 else 0.0

    def left(self, now: float) -> float | None:
        """Returns the seconds left of this phase at its pace so far; None where nothing says so, or nothing is left."""
        ahead, rate = self.total - self.worked, self.rate(now)
        return ahead / rate if ahead > 0 and rate > 0 else None

    @property
    def at_work(self) -> bool:
        """Whether the launch goes on."""
        if self.phase == "ended":
            return False
        if self.host == socket.gethostname():
            return bool(psutil.pid_exists(self.pid))
        return time.time() - self.updated < SILENT

    def _start(self, trial: Trial, key: str, called: str) -> None:
        self.since = self.since or time.time()
        self.running.setdefault(key, {"name": called, "epoch": 0, "epochs": trial.recipe["epochs"]})

    def _interval(self, event: Event) -> None:
        """A population's member has trained an interval; its schedule so far is the trial."""
        key = f"member {event.member}"
        self._start(event.subject, key, key)
        self.running[key]["epoch"] = event.epoch
        self._score(key, 0, event.score)
        if event.epoch >= event.subject.recipe["epochs"]:
            del self.running[key]

    def _score(self, label: str, seed: int, score: float) -> None:
        if isfinite(score):
            self.scores.setdefault(label, {})[str(seed)] = score


class Record:
    """Writes a launch's progress into the study's directory, for other terminals, not more often than they look."""

    def __init__(self, folder: Folder, progress: Progress) -> None:
        self.folder, self.progress, self._written = folder, progress, 0.0

    def write(self, *, now: bool = False) -> None:
        """Writes it, where the last time is long enough ago. A full disk is for others to tell."""
        if (now or time.monotonic() - self._written > EVERY) and self.folder.path.exists():
            self._written = time.monotonic()
            with suppress(files.StorageError):
                content = json.dumps(asdict(self.progress), indent=1).encode()
                files.write(self.folder.progress, content, durable=False)


def read(folder: Folder) -> Progress | None:
    """Returns the progress of the study's latest launch; None where none has said it."""
    try:
        record: Mapping[str, Any] = json.loads(folder.progress.read_text(encoding="utf-8"))
        return Progress(**record)
    except (OSError, ValueError, TypeError):  # none, or one of another version: it decides nothing
        return None


def begin(folder: Folder, study: Study, name: str) -> Progress:
    """Returns the progress of a launch that begins; what earlier ones of the same directory validated is ranked."""
    corrupted = any("corruption" in metric for metric in study.evaluate)
    objective = "corruption" if corrupted else "clean"
    if study.population is not None:
        objective = study.population.objective
    elif study.searching is not None:
        objective = study.searching.objectives[0]
    earlier = read(folder)
    scores = earlier.scores if earlier is not None and earlier.objective == objective else {}
    return Progress(name=name, objective=objective, scores=scores)


def scored(event: Event, folder: Folder, objective: str) -> Event:
    """Returns the event of a finished trial with the objective in place of its robustness, where these are two."""
    table = folder.trial(event.subject.key).mark(State.VALIDATED) if event.kind is Kind.FINISHED else None
    if objective == "corruption" or table is None or not table.exists():
        return event
    return replace(event, score=headline(results.rows(table)).get(objective, float("nan")))


def name(trial: Trial) -> str:
    """Returns what a person calls a trial."""
    return f"{trial.label}, seed {trial.seed}"
