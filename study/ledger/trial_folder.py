"""The folder of one trial, trials/KEY: all that is known about it. One writer a file, each file written in one step.

file                written by                                  when                              read by
trial.json          the launching process                       before any work; never changes    everybody
started.json        the launching process                       when a worker takes the trial     status
checkpoint.pt       the worker that has the trial               now and then, and at the end      the next worker
best.pt             the worker that has the trial               with the checkpoint               the user
validation.parquet  the worker that has the trial               once, at the end of a selection   selections, reports
correct.parquet     the worker that has the trial               once, just before result.parquet  reports
result.parquet      the worker that has the trial               once, at the end                  reports
stopped.parquet     the launching process                       once, when a scheduler ends it    reports
failure.json        the launching process                       when it fails; removed at a retry status, reports
overdue.txt         the worker's watchdog                       when the trial's time is over     the launching process

At most one worker has a trial at a time, and one process launches at a time (`Folder.held`). A reader may rely on
this: a file that is there is whole, and a table says itself whether it still is (`seals`); a table that is there is
final; where result.parquet is, checkpoint.pt is that of the last epoch. A trial that no search has tried is validated
too, on at most `engine.actor.VALIDATED` images: a race decides by it, and the panel shows it.
"""

from dataclasses import dataclass
from pathlib import Path

from study.errors import UserError
from study.ledger import files
from study.ledger.seals import whole
from study.ledger.state import State, check_transition
from study.ledger.trial import Trial

MARKS = {
    State.VALIDATED: "validation.parquet",
    State.STOPPED: "stopped.parquet",
    State.FAILED: "failure.json",
    State.FINISHED: "result.parquet",
    State.STARTED: "started.json",
}
"""State -> the file whose presence says so."""
TABLES = (State.STOPPED, State.VALIDATED, State.FINISHED)
"""The states whose file is a table."""
SELECTION = (State.VALIDATED, State.STOPPED, State.FAILED, State.STARTED)
TEST = (State.FINISHED, State.FAILED, State.STARTED)
"""The states of each of the two facts, the one that decides first: a table outlives the failure of what came later."""


@dataclass(frozen=True)
class TrialFolder:
    """Paths of one trial's files, and the states that they amount to."""

    path: Path

    @property
    def key(self) -> str:
        """The trial's key."""
        return self.path.name

    @property
    def trial_file(self) -> Path:
        """What the trial is."""
        return self.path / "trial.json"

    @property
    def checkpoint(self) -> Path:
        """The trial's state as it was stored last; once all epochs are trained, the weights of the last one."""
        return self.path / "checkpoint.pt"

    @property
    def best(self) -> Path:
        """The weights of the epoch with the best validation accuracy, the first of equals."""
        return self.path / "best.pt"

    @property
    def overdue(self) -> Path:
        """Where the trial was when its time was over; empty or absent while it was not."""
        return self.path / "overdue.txt"

    @property
    def correct(self) -> Path:
        """Which test images the network classifies correctly, a bit an image and condition."""
        return self.path / "correct.parquet"

    def mark(self, state: State) -> Path:
        """Returns the file whose presence says that the trial is in a state."""
        return self.path / MARKS[state]

    @property
    def tables(self) -> list[Path]:
        """The tables that the trial has by now."""
        return [path for path in map(self.mark, TABLES) if whole(path)]

    @property
    def damaged(self) -> list[Path]:
        """The tables that are not as they were written: by an interrupted copy, or a disk that was full or fails."""
        return [path for path in (*map(self.mark, TABLES), self.correct) if path.exists() and not whole(path)]

    @property
    def selection(self) -> State:
        """How far the trial is on the way to its measurement on the validation split."""
        return self._first(SELECTION)

    @property
    def test(self) -> State:
        """How far the trial is on the way to its measurement on the test split; damaged tables are to be made anew."""
        damaged = self.correct.exists() and not whole(self.correct)
        return self._first(TEST[1:] if damaged else TEST)

    def becoming(self, state: State) -> Path:
        """Returns the file to write so that the trial gets into a state. Raises IllegalTransitionError."""
        of_selection = state in (State.VALIDATED, State.STOPPED)
        check_transition(self.key, self.selection if of_selection else self.test, state)
        return self.mark(state)

    def failure_reason(self) -> str:
        """Returns why a failed trial failed, in one line."""
        return str(files.read_json(self.mark(State.FAILED))["reason"])

    def trial(self) -> Trial:
        """Returns what the trial is. Raises UserError, which names the file, where it is cut or gone."""
        try:
            return Trial.from_json(self.trial_file.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{self.trial_file} is cut or gone: {reason}. The study's launch writes it again"
            ) from error

    def _first(self, states: tuple[State, ...]) -> State:
        return next((state for state in states if whole(self.mark(state))), State.PENDING)
