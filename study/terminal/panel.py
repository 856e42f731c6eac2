"""What a person sees while a study runs: a live panel in a terminal, plain lines elsewhere."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from study.ledger.trial import Point, Trial


class Display:
    """A listener that shows trials done, running and failed, the best so far and the time left."""

    def __init__(self, console: Console) -> None:
        self.console, self.total, self.done, self.before = console, 0, 0, 0
        self.failures = 0
        self.running: dict[str, float] = {}
        """Key -> share of its epochs that a running trial has behind it."""
        self.best: tuple[float, str] | None = None
        self.last: dict[str, float] = {}
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

    def begin(self, total: int, done: int) -> None:
        """Starts to count anew: so many trials, of which `done` were done before."""
        chosen = self.total > 0
        self.total, self.done, self.before, self.failures, self.since = total, done, done, 0, 0.0
        self.live.start()
        self.live.update(self.task, description="chosen" if chosen else "trials", total=total, completed=done)
        if chosen:
            self._refresh()

    def started(self, trial: Trial) -> None:
        """Counts the trial as running."""
        self.since = self.since or time.monotonic()
        self.running[trial.key] = 0.0
        self._refresh()

    def epoch(self, trial: Trial, point: Point) -> None:
        """Notes how far the trial is, and how good."""
        self.running[trial.key] = point["epoch"] / max(1, trial.recipe["epochs"])
        self.last[trial.key] = point["val_accuracy"]
        self._refresh()

    def retried(self, trial: Trial, reason: str) -> None:
        """Says that the trial waits for another worker, and why."""
        self.running.pop(trial.key, None)
        self._refresh()
        self.console.print(
            f"retried: {trial.label}, seed {trial.seed}: {reason}", style="yellow", highlight=False, markup=False
        )

    def finished(self, trial: Trial) -> None:
        """Counts the trial as done."""
        self.done += 1
        self.running.pop(trial.key, None)
        accuracy = self.last.get(trial.key)
        if accuracy is not None and (self.best is None or accuracy > self.best[0]):
            self.best = (accuracy, trial.label)
        self._refresh()
        if not self.console.is_terminal:
            shown = "" if accuracy is None else f"  val. accuracy {accuracy:.1%}"
            self.console.print(
                f"[{self.done}/{self.total}] {trial.label}, seed {trial.seed}{shown}{self._left()}",
                highlight=False,
                markup=False,
            )

    def interval(self, member: int, epoch: int, trial: Trial, score: float) -> None:
        """Notes how good a population's member is."""
        self.since = self.since or time.monotonic()
        self.running[f"member {member}"] = share = epoch / trial.recipe["epochs"]
        if share >= 1:
            del self.running[f"member {member}"]
        if self.best is None or score > self.best[0]:
            self.best = (score, f"member {member}")
        self._refresh()
        if not self.console.is_terminal:
            values = ", ".join(f"{k} {v:.3g}" for k, v in trial.values_at(trial.recipe["epochs"]).items())
            self.console.print(
                f"member {member}, epoch {epoch}: {score:.1%} with {values}", highlight=False, markup=False
            )

    def stopped(self, trial: Trial) -> None:
        """Counts the trial as done; it is not among the best."""
        self.done += 1
        share = self.running.pop(trial.key, 0.0)
        self._refresh()
        if not self.console.is_terminal:
            text = f"[{self.done}/{self.total}] {trial.label}, seed {trial.seed}  stopped at {share:.0%} of its epochs"
            self.console.print(text, highlight=False, markup=False)

    def failed(self, trial: Trial, reason: str) -> None:
        """Counts the trial as failed, and says why."""
        self.failures += 1
        self.running.pop(trial.key, None)
        self._refresh()
        self.console.print(
            f"failed: {trial.label}, seed {trial.seed}: {reason}", style="red", highlight=False, markup=False
        )

    def _refresh(self) -> None:
        best = f", best val. {self.best[0]:.1%} ({self.best[1]})" if self.best else ""
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
