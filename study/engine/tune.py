"""Ray Tune schedules the trials: the driver's side."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from study.engine.listener import Listener
from study.errors import UserError
from study.folder import Folder, write_json
from study.run import Place
from study.trial import Trial

QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    # The study's own directory says what is done; Tune's snapshots are never read, so they are all but off.
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
}
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Keeps a local Ray on the loopback interface; the switch's name notwithstanding, it is what does."""
for _name, _value in QUIET.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402
from ray import cloudpickle, tune  # noqa: E402
from ray.exceptions import RayActorError  # noqa: E402

from study.engine.actor import TrialActor  # noqa: E402


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the trials run on. address: a running cluster's, or None for a Ray of our own on this machine."""

    cpus_per_trial: float = 1
    gpus_per_trial: float = 0
    max_concurrent: int | None = None
    address: str | None = None


def connect(resources: Resources) -> None:
    """Starts Ray on this machine, or joins the cluster. Raises UserError when no trial would ever fit."""
    if resources.address is None:
        os.environ.update(LOOPBACK)
    try:
        ray.init(
            address=resources.address or "local",
            include_dashboard=False if resources.address is None else None,
            log_to_driver=False,
            logging_level="ERROR",
        )
    except ConnectionError as error:
        raise UserError(f"no Ray cluster answers at {resources.address!r} (from --address)") from error
    wanted = {"CPU": resources.cpus_per_trial, "GPU": resources.gpus_per_trial}
    for name, need in wanted.items():
        largest = max((node["Resources"].get(name, 0) for node in ray.nodes() if node["Alive"]), default=0)
        if need > largest:
            raise UserError(
                f"a trial asks for {need:g} {name} (from --{name.lower()}s-per-trial); the largest node has {largest:g}"
            )


def disconnect() -> None:
    """Ends the Ray that `connect` started, or leaves the cluster; nothing else is touched."""
    ray.shutdown()


def run_trials(
    study: str,
    trials: Sequence[Trial],
    folder: Folder,
    place: Place,
    resources: Resources,
    listeners: Sequence[Listener],
) -> None:
    """Runs the trials to their end, each continuing from what the folder holds of it; needs `connect` first.

    Returns when all have finished or failed, or after Ctrl-C; the folder then says which.
    """
    configs = [
        {"trial": t.to_json(), "study": study, "folder": str(folder.path), "place": asdict(place)} for t in trials
    ]
    scratch = tempfile.mkdtemp(prefix="noise-study-")
    try:
        tune.Tuner(
            tune.with_resources(TrialActor, {"cpu": resources.cpus_per_trial, "gpu": resources.gpus_per_trial}),
            param_space={"config": tune.grid_search(configs)},
            tune_config=tune.TuneConfig(max_concurrent_trials=resources.max_concurrent, reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=scratch,
                name="tune",
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                callbacks=[_Relay(folder, {t.key: t for t in trials}, listeners)],
                failure_config=tune.FailureConfig(max_failures=0),
            ),
        ).fit()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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
