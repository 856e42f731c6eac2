"""Ray Tune schedules the trials: the driver's side. Imported once Ray runs, see `cluster.connected`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayActorError

from study.datasets.core.data import Data
from study.engine.actor import TrialActor
from study.engine.cluster import Resources
from study.engine.listener import Listener
from study.folder import Folder, write_json
from study.run import Place
from study.trial import Trial


def run_trials(
    study: str,
    trials: Sequence[Trial],
    data: Data,
    folder: Folder,
    place: Place,
    resources: Resources,
    scratch: Path,
    listeners: Sequence[Listener],
) -> None:
    """Runs the trials to their end, each continuing from what the folder holds of it.

    scratch: a folder for Tune's own files, which nobody reads.
    Returns when all have finished or failed, or after Ctrl-C; the folder then says which.
    """
    configs = [
        {"trial": t.to_json(), "study": study, "folder": str(folder.path), "place": asdict(place)} for t in trials
    ]
    share = {"cpu": resources.cpus_per_trial, "gpu": resources.gpus_per_trial}
    tune.Tuner(
        tune.with_resources(tune.with_parameters(TrialActor, data=data), share),
        param_space={"config": tune.grid_search(configs)},
        tune_config=tune.TuneConfig(max_concurrent_trials=resources.max_concurrent, reuse_actors=True),
        run_config=tune.RunConfig(
            storage_path=str(scratch),
            name="tune",
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[_Relay(folder, {t.key: t for t in trials}, listeners)],
            failure_config=tune.FailureConfig(max_failures=0),
        ),
    ).fit()


class _Relay(tune.Callback):  # type: ignore[misc]
    """Passes Tune's events on to the listeners, in the platform's own terms."""

    def __init__(self, folder: Folder, trials: dict[str, Trial], listeners: Sequence[Listener]) -> None:
        self.folder, self.trials, self.listeners = folder, trials, listeners

    def __getstate__(self) -> dict[str, Any]:
        # Tune stores its callbacks in snapshots that are never read; what they hold cannot be stored.
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        for listener in self.listeners:
            listener.started(self._trial(trial))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if result.get("point") is not None:
            for listener in self.listeners:
                listener.epoch(self._trial(trial), result["point"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        ours = self._trial(trial)
        self.folder.failure(ours.key).unlink(missing_ok=True)
        for listener in self.listeners:
            listener.finished(ours)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        ours, reason = self._trial(trial), _reason(trial)
        write_json(self.folder.failure(ours.key), {"trial": ours.label, "seed": ours.seed, "reason": reason})
        for listener in self.listeners:
            listener.failed(ours, reason)

    def _trial(self, trial: Any) -> Trial:
        return self.trials[Trial.from_json(trial.config["config"]["trial"]).key]


def _reason(trial: Any) -> str:
    """Returns in one line why Tune gave a trial up: the error raised in the worker, or that the worker died."""
    stored = trial.pickled_error_file
    if stored is None:
        return "the worker failed without an error"
    error = cloudpickle.loads(Path(stored).read_bytes())
    if isinstance(error, RayActorError):
        return "the worker process died (killed, out of memory, or its node was lost)"
    cause = getattr(error, "cause", error)
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"
