"""The worker process's side: one epoch a step, the table at the end."""

import traceback
from pathlib import Path
from typing import Any

import torch
from ray import tune

from study.datasets.core.data import Data
from study.engine.watchdog import OverdueError, is_overdue, overdue, watched
from study.errors import UserError
from study.ledger import results
from study.ledger.files import StorageError
from study.ledger.folder import Folder
from study.ledger.trial import Trial
from study.work.trial_run import Place, TrialRun

SELECTING = ("clean", "corruption")
"""What a selection measures. Other metrics may read test images from files of their own."""


class TrialActor(tune.Trainable):  # type: ignore[misc]
    """Runs one trial after another; being reused, it pays for imports and data once.

    Its config holds, under "config": "trial" (JSON), "study" (name), "folder" (shared by all nodes unless there is a
    "storage"), "place", "timeout" and "selecting" (whether the table is for a selection, whose data has no test split).
    The data comes through Ray's object store: it is read once, by the driver, and sent to each node once.

    A step that fails by itself (diverged, out of memory, a mistake in the code) says so in its result, so that the
    trial ends there: it would fail again. What Ray hears of as an error is the death of a worker, and is retried.
    """

    def setup(self, config: dict[str, Any], data: Data) -> None:
        """Takes the data onto this worker's device, and its first trial."""
        self.data = data.to(torch.device(config["config"]["place"]["device"]))
        self.take(config["config"])

    def take(self, config: dict[str, Any]) -> None:
        """Takes a trial; the first step builds it, or continues it from its checkpoint."""
        self.study = config["study"]
        self.trial = Trial.from_json(config["trial"])
        self.home = Folder(Path(config["folder"]), config["storage"])
        self.place = Place(**config["place"])
        self.timeout: float | None = config["timeout"]
        self.selecting: bool = config["selecting"]
        self.run: TrialRun | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next trial in the same process."""
        self.take(new_config["config"])
        return True

    def step(self) -> dict[str, Any]:
        """Trains an epoch; after the last one evaluates and writes the trial's table.

        Returns "point" (the epoch's metrics or None), "done", and where it failed "failure" and "traceback", or
        "storage": that nothing can be written, which is no fault of the trial's.
        """
        try:
            with watched(self._left(), self.home.overdue(self.trial.key)):
                point = self._advance()
            assert self.run is not None
            return {"point": point, "done": self.run.fit.done}
        except StorageError as error:
            return {"point": None, "done": True, "storage": str(error)}
        except torch.AcceleratorError:
            raise  # the process can use its GPU no more; a new one may
        except Exception as error:  # noqa: BLE001  the boundary of the process: whatever it was is told, not lost
            return {"point": None, "done": True, "failure": reason(error), "traceback": traceback.format_exc()}
        finally:
            # What an error leaves referenced would take the next trial's memory.
            if self.run is not None and self.run.fit.done:
                self.run = None

    def _advance(self) -> dict[str, float] | None:
        if self.run is None:
            self.home.fetch(self.home.trial(self.trial.key))
            self.run = TrialRun(self.trial, self.data, self.place, self.home.trial(self.trial.key))
        point = None if self.run.fit.done else self.run.epoch()
        self.home.keep(self.home.trial(self.trial.key))
        if self.run.fit.done:
            rows, facts = self.run.table(SELECTING if self.selecting else None)
            table = (self.home.validation if self.selecting else self.home.result)(self.trial.key)
            results.write(table, self.study, self.trial, rows, facts)
            self.home.keep(table)
        return point

    def _left(self) -> float | None:
        """Returns the seconds that the trial may still take. Raises OverdueError when there are none."""
        if self.timeout is None:
            return None
        note = self.home.overdue(self.trial.key)
        left = self.timeout - (self.run.seconds if self.run else 0.0)
        if left <= 0 or is_overdue(note):
            raise OverdueError(overdue(self.timeout, note))
        return left


def reason(error: Exception) -> str:
    """Returns in one line why a trial failed."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return f"out of memory: {text or 'Python could not allocate'}"
    if isinstance(error, OverdueError | UserError):
        return text
    return f"{type(error).__name__}: {text}"
