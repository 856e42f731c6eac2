"""Ray Tune schedules the trials: the driver's side. Imported once Ray runs, see `cluster.connected`."""

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.air._internal import usage
from ray.exceptions import RayActorError
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule, TrialScheduler

from study.datasets.core.data import Data
from study.engine.actor import Actor, TrialActor
from study.engine.optimizer import Optimizer
from study.engine.relay import Relay
from study.engine.searcher import CandidateSearcher
from study.engine.watchdog import is_overdue, overdue
from study.ledger.events import Event, Kind, Listener
from study.ledger.files import StorageError
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial
from study.ledger.uri import mask
from study.plan.options import Options
from study.plan.space import Space

# For telemetry, which is off, Tune would import MLflow while the mirror does: seconds, and at times a deadlock.
usage.tag_callbacks = lambda callbacks: False


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What trials are run with. scratch: a folder for Tune's own files, which nobody reads."""

    study: str
    data: Data
    folder: Folder
    options: Options
    scratch: Path
    listeners: Sequence[Listener]

    def config(self, **own: Any) -> dict[str, Any]:
        """Returns an actor's configuration. own: what this actor's class adds."""
        home = {"folder": str(self.folder.path), "storage": self.folder.storage}
        return {"study": self.study, "options": self.options, **home, **own}


def run_trials(bench: Bench, trials: Sequence[Trial]) -> None:
    """Runs the trials to their end, each continuing from what the folder holds of it.

    Returns when all have finished or failed, or after Ctrl-C; the folder then says which. Raises StorageError when
    nothing can be written any more; the trials that were at work are then neither finished nor failed.
    """
    configs = [bench.config(trial=trial.to_json(), selecting=False) for trial in trials]
    # Tune copies the whole grid for every point of it: numbers are quick to copy, configurations are not.
    numbered = {
        "number": tune.grid_search(list(range(len(configs)))),
        "config": tune.sample_from(lambda spec: configs[spec.config["number"]]),
    }
    fit(bench, TrialActor, bench.data, numbered, TrialRelay(bench.folder, bench.listeners), bench.scratch / "trials")


def run_search(bench: Bench, optimizer: Optimizer) -> None:
    """Runs a search: tries candidates until it is complete, or Ctrl-C; its workers are not given the test split.

    Raises StorageError like `run_trials`.
    """
    relay = TrialRelay(bench.folder, bench.listeners)

    def config(trial: Trial) -> dict[str, Any]:
        return {"config": bench.config(trial=trial.to_json(), selecting=True)}

    searcher = CandidateSearcher(optimizer, config, relay.stop)
    stopping = scheduler(optimizer.space) if optimizer.space.study.scheduler else None
    options = {"search_alg": searcher, "num_samples": -1, "scheduler": stopping}
    fit(bench, TrialActor, bench.data.for_selection(), {}, relay, bench.scratch / "search", **options)


def scheduler(space: Space) -> TrialScheduler:
    """Returns Ray's scheduler: it stops trials by their validation accuracy after as many epochs as others had."""
    rule = space.study.scheduler
    assert rule is not None
    compared = {"time_attr": "point/epoch", "metric": "point/val_accuracy", "mode": "max"}
    if rule.algorithm == "median":
        return MedianStoppingRule(grace_period=rule.grace, **compared)
    longest = max(space.epochs, rule.grace + 1)
    return AsyncHyperBandScheduler(max_t=longest, grace_period=rule.grace, reduction_factor=rule.reduction, **compared)


def fit(
    bench: Bench,
    actor: type[Actor],
    data: Data,
    space: dict[str, Any],
    relay: Relay,
    storage: Path,
    checkpoints: tune.CheckpointConfig | None = None,
    **options: Any,
) -> None:
    """Has Tune run actors on the data, one for each point of Tune's space. options: of Tune's configuration.

    storage: a folder for Tune's own files. Raises what the relay says that the run broke of.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    share = {"cpu": bench.options.cpus_per_trial, "gpu": bench.options.gpus_per_trial}
    tune.Tuner(
        tune.with_resources(tune.with_parameters(actor, data=data), share),
        param_space=space,
        tune_config=tune.TuneConfig(max_concurrent_trials=bench.options.max_concurrent, reuse_actors=True, **options),
        run_config=tune.RunConfig(
            storage_path=str(storage),
            name="tune",
            verbose=0,
            checkpoint_config=checkpoints or tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[relay],
            stop=relay.stopper(),
            failure_config=tune.FailureConfig(max_failures=bench.options.retries),
        ),
    ).fit()
    signal.signal(signal.SIGINT, interrupt)  # Tune leaves its own behind, and Ctrl-C in the report would go unheard
    if relay.broken is not None:
        raise relay.broken


class TrialRelay(Relay):
    """The relay of trials. It writes why a trial failed, since only this process hears of a lost worker."""

    def __init__(self, folder: Folder, listeners: Sequence[Listener]) -> None:
        super().__init__(listeners)
        self.folder = folder

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Notes that a worker has the trial: whatever failed before is tried again."""
        ours = _trial(trial)
        place = self.folder.trial(ours.key)
        try:
            started = place.becoming(State.STARTED)
            if place.mark(State.FAILED).exists():
                self.folder.remove(place.mark(State.FAILED))
            if not started.exists():
                self.folder.write_json(started, {"time": time.time()})
        except StorageError as error:
            self.stop(error)
            return
        self.say(Event(kind=Kind.STARTED, trial=ours))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Tells of an epoch."""
        if result.get("point") is not None:
            self.say(Event(kind=Kind.EPOCH, trial=_trial(trial), point=result["point"]))

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tells that another worker will go on."""
        self.say(Event(kind=Kind.RETRIED, trial=_trial(trial), reason=_reason(trial)))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tells how a trial ended; its table is on this machine by then."""
        ours, result = _trial(trial), trial.last_result
        if "storage" in result:
            self.stop(StorageError(result["storage"]))
        elif "failure" in result:
            self._failed(ours, result["failure"], result["traceback"])
        elif self.folder.trial(ours.key).selection is State.STOPPED:
            self.say(Event(kind=Kind.STOPPED, trial=ours))
        else:
            place = self.folder.trial(ours.key)
            self.folder.fetch(place.mark(State.VALIDATED), place.mark(State.FINISHED), missing=True)
            self.say(Event(kind=Kind.FINISHED, trial=ours, score=result["score"]))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Records a trial whose workers died too often."""
        self._failed(_trial(trial), _reason(trial), trial.get_error() or "")

    def _failed(self, trial: Trial, reason: str, trace: str) -> None:
        reason = mask(reason)
        record = {"trial": trial.label, "seed": trial.seed, "reason": reason, "traceback": mask(trace)}
        try:
            self.folder.write_json(self.folder.trial(trial.key).becoming(State.FAILED), record)
        except StorageError as error:
            self.stop(error)
            return
        self.say(Event(kind=Kind.FAILED, trial=trial, reason=reason))


def _trial(trial: Any) -> Trial:
    return Trial.from_json(trial.config["config"]["trial"])


def _reason(trial: Any) -> str:
    """Returns in one line why a trial's worker is lost."""
    config, stored = trial.config["config"], trial.pickled_error_file
    folder = Folder(Path(config["folder"]))
    note = folder.trial(_trial(trial).key).overdue
    timeout = config["options"].trial_timeout
    if timeout is not None and is_overdue(note):
        return overdue(timeout, note, folder.code)
    if stored is None:
        return "the worker failed without an error"
    # Tune wrote the file, in this run's own folder for temporary files, which is nobody else's to write.
    error = cloudpickle.loads(Path(stored).read_bytes())
    if not isinstance(error, RayActorError):
        cause = getattr(error, "cause", error)
        return f"{type(cause).__name__}: {' '.join(str(cause).split())}"
    said = str(error)
    if "running low on memory" in said:
        what = "Ray ended the worker: its node ran out of memory"
    elif "its node has died" in said:
        what = "the worker's node was lost"
    else:
        what = "the worker died (killed, out of memory, or its node lost)"
    return what + (f" {trial.num_failures} times" if trial.num_failures > 1 else "")
