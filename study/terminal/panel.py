"""What a person sees while a study runs: a live board in a terminal, plain lines elsewhere."""

import time
from math import isfinite
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live

from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.ledger.progress import Progress, Record, name, scored
from study.terminal.board import Machine, board, clock


class Display:
    """A listener that shows how far a launch is, here and, through the study's directory, in other terminals."""

    def __init__(self, console: Console, folder: Folder | None = None, progress: Progress | None = None) -> None:
        self.console, self.folder, self.progress = console, folder, progress or Progress()
        self.record = Record(folder, self.progress) if folder is not None else None
        self.machine = Machine()
        self.live = Live(get_renderable=self._board, console=console, refresh_per_second=2)

    def __enter__(self) -> "Display":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        started, self.progress.phase = bool(self.progress.phase), "ended"
        self.progress.running, self.progress.updated = {}, time.time()
        self.live.stop()
        if self.record is not None and started:
            self.record.write(now=True)

    def __call__(self, event: Event) -> None:
        """Shows what has happened."""
        share = self.progress.share(event.trial.key) if event.trial is not None else 0.0
        if self.folder is not None:
            event = scored(event, self.folder, self.progress.objective)
        self.progress.hear(event)
        if self.record is not None:
            self.record.write(now=event.kind is Kind.PHASE)
        match event.kind:
            case Kind.PHASE:
                if self.console.is_terminal:
                    self.live.start()
            case Kind.RETRIED:
                self._print(f"retried: {name(event.subject)}: {event.reason}", "yellow")
            case Kind.INTERVAL:
                self._interval(event)
            case Kind.STOPPED:
                self._line(f"{self._count()} {name(event.subject)}  stopped at {share:.0%} of its epochs")
            case Kind.FINISHED:
                shown = f"  validated {event.score:.1%}" if isfinite(event.score) else ""
                self._line(f"{self._count()} {name(event.subject)}{shown}{self._left()}")
            case Kind.FAILED:
                self._print(f"failed: {name(event.subject)}: {event.reason}", "red")

    def _board(self) -> Group:
        return board(self.progress, self.console.width, self.folder, str(self.machine))

    def _interval(self, event: Event) -> None:
        """Tells how good a population's member is, and with which values."""
        epochs = event.subject.recipe["epochs"]
        values = ", ".join(f"{name} {value:.3g}" for name, value in event.subject.values_at(epochs).items())
        self._line(f"member {event.member}, epoch {event.epoch}: {event.score:.1%} with {values}")

    def _count(self) -> str:
        return f"[{self.progress.done}/{self.progress.total}]"

    def _left(self) -> str:
        left = self.progress.left(time.time())
        return f", {clock(left)} left" if left is not None else ""

    def _line(self, text: str) -> None:
        """Prints a line where nothing can be drawn anew."""
        if not self.console.is_terminal:
            self._print(text, None)

    def _print(self, text: str, style: str | None) -> None:
        self.console.print(text, style=style, highlight=False, markup=False)
