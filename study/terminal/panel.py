"""What a person sees while a study runs: a live panel in a terminal, plain lines elsewhere."""

import time
from math import isfinite
from statistics import fmean
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from study.ledger.events import Event, Kind


class Display:
    """A listener that shows trials done, running and failed, the best so far and the time left."""

    def __init__(self, console: Console) -> None:
        self.console, self.total, self.done, self.before = console, 0, 0, 0
        self.failures = 0
        self.running: dict[str, float] = {}
        """Key -> share of its epochs that a running trial has behind it."""
        self.best: tuple[float, str] | None = None
        self.scores: dict[str, list[float]] = {}
        """Label -> robustness on validation data, of the setting's finished trials."""
        self.since = 0.0
        """When the first trial started: the time before it, in which Ray starts, says nothing about the pace."""
        self.live = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.live.add_task("trials", total=None, note="starting workers")

    def __enter__(self) -> "Display":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def __call__(self, event: Event) -> None:
        """Shows what has happened."""
        match event.kind:
            case Kind.PHASE:
                self._begin(event)
                return
            case Kind.STARTED:
                self.since = self.since or time.monotonic()
                self.running[event.subject.key] = 0.0
            case Kind.EPOCH:
                self._epoch(event)
            case Kind.RETRIED:
                self.running.pop(event.subject.key, None)
                self._print(f"retried: {_name(event)}: {event.reason}", "yellow")
            case Kind.INTERVAL:
                self._interval(event)
            case Kind.STOPPED:
                self.done += 1
                share = self.running.pop(event.subject.key, 0.0)
                self._line(f"[{self.done}/{self.total}] {_name(event)}  stopped at {share:.0%} of its epochs")
            case Kind.FINISHED:
                self._finished(event)
            case Kind.FAILED:
                self.failures += 1
                self.running.pop(event.subject.key, None)
                self._print(f"failed: {_name(event)}: {event.reason}", "red")
        self._refresh()

    def _begin(self, event: Event) -> None:
        """Starts to count anew, for the trials of a phase."""
        first = self.total == 0
        self.total, self.done, self.before = event.total, event.done, event.done
        self.failures, self.since = 0, 0.0
        self.live.start()
        self.live.update(self.task, description=event.reason, total=event.total, completed=event.done)
        if not first:
            self._refresh()

    def _epoch(self, event: Event) -> None:
        """Notes how far the trial is."""
        point, trial = event.point, event.subject
        assert point is not None
        self.running[trial.key] = point["epoch"] / max(1, trial.recipe["epochs"])

    def _finished(self, event: Event) -> None:
        """Counts the trial as done."""
        trial = event.subject
        self.done += 1
        self.running.pop(trial.key, None)
        shown = ""
        if isfinite(event.score):
            self.scores.setdefault(trial.label, []).append(event.score)
            self.best = max((fmean(scores), label) for label, scores in self.scores.items())
            shown = f"  validated {event.score:.1%}"
        self._line(f"[{self.done}/{self.total}] {_name(event)}{shown}{self._left()}")

    def _interval(self, event: Event) -> None:
        """Notes how good a population's member is."""
        self.since = self.since or time.monotonic()
        member, trial = f"member {event.member}", event.subject
        self.running[member] = share = event.epoch / trial.recipe["epochs"]
        if share >= 1:
            del self.running[member]
        if self.best is None or event.score > self.best[0]:
            self.best = (event.score, member)
        values = ", ".join(f"{name} {value:.3g}" for name, value in trial.values_at(trial.recipe["epochs"]).items())
        self._line(f"{member}, epoch {event.epoch}: {event.score:.1%} with {values}")

    def _line(self, text: str) -> None:
        """Prints a line where nothing can be drawn anew."""
        if not self.console.is_terminal:
            self._print(text, None)

    def _print(self, text: str, style: str | None) -> None:
        self.console.print(text, style=style, highlight=False, markup=False)

    def _refresh(self) -> None:
        best = f", leading {self.best[1]} ({self.best[0]:.1%} validated)" if self.best else ""
        failed = f", {self.failures} failed" if self.failures else ""
        note = f"{len(self.running)} running{failed}{self._left()}{best}"
        self.live.update(self.task, completed=self.done + sum(self.running.values()), note=note)

    def _left(self) -> str:
        """Returns the time left, at the pace so far."""
        behind = self.done + self.failures - self.before + sum(self.running.values())
        ahead = self.total - self.before - behind
        if behind <= 0 or ahead <= 0:
            return ""
        seconds = (time.monotonic() - self.since) / behind * ahead
        return f", {seconds // 60:.0f} min {seconds % 60:02.0f} s left" if seconds >= 60 else f", {seconds:.0f} s left"


def _name(event: Event) -> str:
    return f"{event.subject.label}, seed {event.subject.seed}"
