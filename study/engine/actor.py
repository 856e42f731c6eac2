"""The worker process's side: one epoch a step, the table at the end."""

import json
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
from study.ledger.headline import headline, robustness
from study.ledger.state import State
from study.ledger.trial import Trial
from study.plan.options import Options
from study.registry import sources
from study.work.trial_run import Place, TrialRun

SELECTING = ("clean", "corruption")
"""What a selection measures. Other metrics may read test images from files of their own."""


VALIDATED = 1000
"""Most validation images on which a trial is measured that no search asks to: a share of a large split is enough to
tell settings apart, and costs a tenth of ten thousand test images' time."""


class Actor(tune.Trainable):  # type: ignore[misc]
    """Base of the actors: takes one configuration after another; being reused, it pays for imports and data once.

    What it needs stands in its config under "config": "study" (name), "folder" (shared by all nodes unless there is a
    "storage"), "options" (of the launch), "trial" (JSON) and what a subclass adds.
    The data comes through Ray's object store: it is read once, by the driver, and sent to each node once.

    A step that fails by itself (diverged, out of memory, a mistake in the code) says so in its result, so that the
    trial ends there: it would fail again. What Ray hears of as an error is the death of a worker, and is retried.
    """

    def __init__(self, config: dict[str, Any], *rest: Any, **options: Any) -> None:
        """Loads a dataset of the user's own before Ray's store gives the data, of which classes may be theirs."""
        home = Folder(Path(config["config"]["folder"]), config["config"]["storage"])
        data = Trial.from_json(config["config"]["trial"]).data
        if "@" in data:
            home.fetch(home.code, missing=True)
            sources.use(home.code)
            sources.load(data)
        super().__init__(config, *rest, **options)

    def setup(self, config: dict[str, Any], data: Data) -> None:
        """Takes the data onto this worker's device, and the first configuration."""
        self.data = data.to(torch.device(place(config["config"]["options"]).device))
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next configuration in the same process."""
        config = new_config["config"]
        self.study: str = config["study"]
        self.options: Options = config["options"]
        self.home = Folder(Path(config["folder"]), config["storage"])
        sources.use(self.home.code)
        self.take(config, new_config)
        return True

    def take(self, config: dict[str, Any], values: dict[str, Any]) -> None:
        """Takes what a subclass needs of its config. values: all of it, with the parameters that Tune mutates."""
        raise NotImplementedError

    def advance(self) -> dict[str, Any]:
        """Does one step and returns its result, with "done"."""
        raise NotImplementedError

    def release(self) -> None:
        """Lets go of what a finished trial holds."""

    def step(self) -> dict[str, Any]:
        """Does one step. Returns its result; where it failed "failure" and "traceback", or "storage": that nothing can
        be written, which is no fault of the trial's.
        """
        try:
            return self.advance()
        except StorageError as error:
            return {"done": True, "storage": str(error)}
        except torch.AcceleratorError:
            raise  # the process can use its GPU no more; a new one may
        except Exception as error:  # noqa: BLE001  the boundary of the process: whatever it was is told, not lost
            return {"done": True, "failure": reason(error), "traceback": traceback.format_exc()}
        finally:
            self.release()  # what an error leaves referenced would take the next trial's memory


class TrialActor(Actor):
    """Runs one trial after another. Its config adds "trial" (JSON) and "selecting" (whether the table is for a
    selection, whose data has no test split).
    """

    def take(self, config: dict[str, Any], values: dict[str, Any]) -> None:  # noqa: ARG002
        """Takes a trial; the first step builds it, or continues it from its checkpoint."""
        self.trial = Trial.from_json(config["trial"])
        self.place = self.home.trial(self.trial.key)
        self.selecting: bool = config["selecting"]
        self.run: TrialRun | None = None

    def advance(self) -> dict[str, Any]:
        """Trains an epoch; after the last one evaluates and writes the trial's table.

        Returns "point" (the epoch's metrics or None), "points" (JSON: all epochs that this worker knows of and has not
        said yet), "seconds" (of work so far), "done" and at the end "score" (see `headline.robustness`).
        """
        with watched(self._left(), self.place.overdue):
            past, point = self._train()
            assert self.run is not None
            score = self._measure(self.run) if self.run.fit.done else None
        points = json.dumps([*past, *([point] if point else [])])
        done = self.run.fit.done
        return {"point": point, "points": points, "seconds": self.run.seconds, "done": done, "score": score}

    def release(self) -> None:
        """Lets go of a trial whose epochs are all trained."""
        if self.run is not None and self.run.fit.done:
            self.run = None

    def cleanup(self) -> None:
        """Stores a trial that a launch ends between two epochs, so that none of them is trained again."""
        if self.run is not None and self.run.storable and not self.run.fit.done:
            self.run.save()
            self.home.keep(self.place.checkpoint, self.place.best)

    def _train(self) -> tuple[list[dict[str, float]], dict[str, float] | None]:
        """Trains an epoch. Returns the epochs before it, where this step is the worker's first, and this one."""
        past: list[dict[str, float]] = []
        if self.run is None:
            self.home.fetch(self.home.code, self.place.path, missing=True)
            every = self.options.checkpoint_every
            self.run = TrialRun(self.trial, self.data, place(self.options), self.place.path, every)
            past = list(self.run.history)
        point = None if self.run.fit.done else self.run.epoch()
        self.home.keep(self.place.checkpoint, self.place.best)
        return past, point

    def _measure(self, run: TrialRun) -> float:
        """Writes the trial's tables: of a selection on the validation split, else on both, the test split last.

        Returns the robustness on the validation split.
        """
        validation = self.place.becoming(State.VALIDATED)
        if not validation.exists():
            data = None if self.selecting else self.data.for_selection(VALIDATED)
            rows, facts = run.table(SELECTING, data)
            results.write(validation, self.study, self.trial, rows, facts)
            self.home.keep(validation)
        if not self.selecting:
            rows, facts = run.table()
            results.write_correct(self.place.correct, self.trial, rows)
            self.home.keep(self.place.correct)
            table = self.place.becoming(State.FINISHED)
            results.write(table, self.study, self.trial, rows, facts)
            self.home.keep(table)
        return robustness(headline(results.rows(validation)))

    def _left(self) -> float | None:
        """Returns the seconds that the trial may still take. Raises OverdueError when there are none."""
        timeout = self.options.trial_timeout
        if timeout is None:
            return None
        left = timeout - (self.run.seconds if self.run else 0.0)
        if left <= 0 or is_overdue(self.place.overdue):
            raise OverdueError(overdue(timeout, self.place.overdue, self.home.code))
        return left


def place(options: Options) -> Place:
    """Returns where a trial computes."""
    return Place("cuda" if options.gpus_per_trial else "cpu", max(1, int(options.cpus_per_trial)))


def reason(error: Exception) -> str:
    """Returns in one line why a trial failed."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in text:
        return f"out of memory: {text or 'Python could not allocate'}"
    if isinstance(error, OverdueError | UserError):
        return text
    return f"{type(error).__name__}: {text}".removesuffix(": ")
