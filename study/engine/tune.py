"""Ray Tune schedules the trials: the driver's side. Imported once Ray runs, see `cluster.connected`."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayActorError
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule, TrialScheduler

from study.datasets.core.data import Data
from study.engine.actor import TrialActor
from study.engine.cluster import Resources
from study.engine.listener import Listener
from study.engine.optimizer import Optimizer
from study.engine.searcher import CandidateSearcher
from study.engine.watchdog import is_overdue, overdue
from study.ledger.files import StorageError
from study.ledger.folder import Folder, write_json
from study.ledger.trial import Trial
from study.ledger.uri import mask
from study.plan.space import Space
from study.work.trial_run import Place


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What trials are run with. scratch: a folder for Tune's own files, which nobody reads."""

    study: str
    data: Data
    folder: Folder
    place: Place
    resources: Resources
    scratch: Path
    listeners: Sequence[Listener]

    def told(self) -> dict[str, Any]:
        """Returns what every actor is told."""
        home = {"folder": str(self.folder.path), "storage": self.folder.storage}
        return {"study": self.study, "place": asdict(self.place), **home}

    def config(self, trial: Trial, *, selecting: bool) -> dict[str, Any]:
        """Returns a trial's configuration. selecting: whether the trial's table is for a selection."""
        more = {"timeout": self.resources.trial_timeout, "selecting": selecting, "trial": trial.to_json()}
        return {"config": {**self.told(), **more}}


def run_trials(bench: Bench, trials: Sequence[Trial]) -> None:
    """Runs the trials to their end, each continuing from what the folder holds of it.

    Returns when all have finished or failed, or after Ctrl-C; the folder then says which. Raises StorageError when
    nothing can be written any more; the trials that were at work are then neither finished nor failed.
    """
    configs = [bench.config(trial, selecting=False)["config"] for trial in trials]
    relay = _Relay(bench.folder, bench.listeners)
    # Tune copies the whole grid for every point of it: numbers are quick to copy, configurations are not.
    numbered = {
        "number": tune.grid_search(list(range(len(configs)))),
        "config": tune.sample_from(lambda spec: configs[spec.config["number"]]),
    }
    fit(bench, TrialActor, bench.data, numbered, relay, bench.scratch / "trials")
    if relay.broken is not None:
        raise relay.broken


def run_search(bench: Bench, optimizer: Optimizer) -> None:
    """Runs a search: tries candidates until it is complete, or Ctrl-C; its workers are not given the test split.

    Raises StorageError like `run_trials`.
    """
    relay = _Relay(bench.folder, bench.listeners)
    searcher = CandidateSearcher(optimizer, lambda trial: bench.config(trial, selecting=True), relay.stop)
    stopping = scheduler(optimizer.space) if optimizer.space.study.scheduler else None
    options = {"search_alg": searcher, "num_samples": -1, "scheduler": stopping}
    fit(bench, TrialActor, bench.data.for_selection(), {}, relay, bench.scratch / "search", **options)
    if relay.broken is not None:
        raise relay.broken


def scheduler(space: Space) -> TrialScheduler:
    """Returns Ray's scheduler: it stops trials by their validation accuracy after as many epochs as others had."""
    given = space.study.scheduler
    assert given is not None
    compared = {"time_attr": "point/epoch", "metric": "point/val_accuracy", "mode": "max"}
    if given.algorithm == "median":
        return MedianStoppingRule(grace_period=given.grace, **compared)
    longest = max(space.epochs, given.grace + 1)
    return AsyncHyperBandScheduler(
        max_t=longest, grace_period=given.grace, reduction_factor=given.reduction, **compared
    )


def fit(
    bench: Bench,
    actor: type[tune.Trainable],
    data: Data,
    space: dict[str, Any],
    relay: Any,
    storage: Path,
    checkpoints: tune.CheckpointConfig | None = None,
    **options: Any,
) -> None:
    """Has Tune run actors on the data, one for each point of Tune's space. options: of Tune's configuration.

    relay: a callback whose `broken` is an error that ends the run. storage: a folder
    for Tune's own files.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    share = {"cpu": bench.resources.cpus_per_trial, "gpu": bench.resources.gpus_per_trial}
    tune.Tuner(
        tune.with_resources(tune.with_parameters(actor, data=data), share),
        param_space=space,
        tune_config=tune.TuneConfig(max_concurrent_trials=bench.resources.max_concurrent, reuse_actors=True, **options),
        run_config=tune.RunConfig(
            storage_path=str(storage),
            name="tune",
            verbose=0,
            checkpoint_config=checkpoints or tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[relay],
            stop=_Breaker(relay),
            failure_config=tune.FailureConfig(max_failures=bench.resources.retries),
        ),
    ).fit()
    signal.signal(signal.SIGINT, interrupt)  # Tune leaves its own behind, and Ctrl-C in the report would go unheard


class _Relay(tune.Callback):  # type: ignore[misc]
    """Passes Tune's events on to the listeners, in the platform's own terms."""

    def __init__(self, folder: Folder, listeners: Sequence[Listener]) -> None:
        self.folder, self.listeners = folder, listeners
        self.broken: StorageError | None = None
        """Why nothing can be written any more."""

    def __getstate__(self) -> dict[str, Any]:
        # Tune stores its callbacks in snapshots that are never read; what they hold cannot be stored.
        return {}

    def stop(self, error: StorageError) -> None:
        """Ends the run: nothing can be written any more."""
        self.broken = error

    def _tell(self, event: Callable[[Listener], None]) -> None:
        # Tune would take an error of a listener for the trial's.
        try:
            for listener in self.listeners:
                event(listener)
        except StorageError as error:
            self.stop(error)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        ours = self._trial(trial)
        self.folder.failure(ours.key).unlink(missing_ok=True)  # it is tried again
        self._tell(lambda listener: listener.started(ours))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if result.get("point") is not None:
            ours = self._trial(trial)
            self._tell(lambda listener: listener.epoch(ours, result["point"]))

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        ours, reason = self._trial(trial), _reason(trial)
        self._tell(lambda listener: listener.retried(ours, reason))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        ours, result = self._trial(trial), trial.last_result
        if "storage" in result:
            self.stop(StorageError(result["storage"]))
        elif "failure" in result:
            self._failed(ours, result["failure"], result["traceback"])
        elif self.folder.state(ours.key) == "stopped":
            self._tell(lambda listener: listener.stopped(ours))
        else:
            self._tell(lambda listener: listener.finished(ours))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._failed(self._trial(trial), _reason(trial), trial.get_error() or "")

    def _failed(self, trial: Trial, reason: str, trace: str) -> None:
        reason = mask(reason)
        try:
            write_json(
                self.folder.failure(trial.key),
                {"trial": trial.label, "seed": trial.seed, "reason": reason, "traceback": mask(trace)},
            )
        except StorageError as error:
            self.stop(error)
            return
        self._tell(lambda listener: listener.failed(trial, reason))

    def _trial(self, trial: Any) -> Trial:
        return Trial.from_json(trial.config["config"]["trial"])


class _Breaker(tune.Stopper):  # type: ignore[misc]
    """Ends a run that cannot go on, as where nothing can be written: what is trained then would be lost."""

    def __init__(self, relay: Any) -> None:
        self.relay = relay

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.relay.broken is not None


def _reason(trial: Any) -> str:
    """Returns in one line why a trial's worker is lost."""
    config, stored = trial.config["config"], trial.pickled_error_file
    note = Folder(Path(config["folder"])).overdue(Trial.from_json(config["trial"]).key)
    if config["timeout"] is not None and is_overdue(note):
        return overdue(config["timeout"], note)
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
