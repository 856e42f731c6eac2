"""Ray itself: one of our own on this machine, or a running cluster's."""

import contextlib
import gc
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from study.engine.signals import deferred_interrupt, pass_on_termination
from study.errors import UserError
from study.plan.machine import cores, memory
from study.plan.options import Options

QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # Under `uv run` Ray would pack the current folder and have workers install it.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    # The study's own directory says what is done; Tune's snapshots are never read, so they are all but off.
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    # A trial that failed reports no metric.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}
PRELOADED = {"RAY_preload_python_modules": "study.engine.actor,torch._dynamo"}
"""Has workers import what every trial needs (an optimiser: torch._dynamo) while they wait for their first one."""
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Keeps a local Ray on the loopback interface; the switch's name notwithstanding, it is what does."""
LONGEST = 28
"""Most characters of the folder for temporary files: Ray's sockets lie below it, and 107 is a socket path's limit."""
JOINING = 60.0
"""Seconds that a running cluster's nodes have to join, where none of those there is large enough."""

STORE_SHARE = 0.3
"""Part of the memory that Ray gives its store."""
SMALLEST_STORE = 80_000_000
"""Bytes; Ray refuses a store below 75 MiB."""

LOCAL = "local"
"""The address that stands for a Ray of our own: it lets a study that was launched on a cluster go on without one."""


@contextmanager
def connected(options: Options, trials: int) -> Iterator[Path]:
    """Starts Ray on this machine, or joins the cluster; yields a folder for temporary files; ends what it started.

    trials: how many there are to run.
    Must come before any import of ray in the process, which reads its settings as it is imported.
    Raises UserError when no cluster answers or no trial would ever fit.
    """
    os.environ.update(QUIET)
    if _local(options):
        # A token of this run's own: other users of the machine can reach the ports, but not use them.
        os.environ.update(LOOPBACK, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
        if _fills(options, trials):
            os.environ.update(PRELOADED)
    short = len(tempfile.gettempdir()) <= LONGEST
    scratch = Path(tempfile.mkdtemp(prefix="study-", dir=None if short else "/tmp"))
    try:
        import ray  # noqa: PLC0415  see above

        try:
            # Ray has workers look for modules in the current folder first, where a file or a folder of the user's may
            # be called as one of ours is.
            (empty := scratch / "empty").mkdir()
            with deferred_interrupt(), contextlib.chdir(empty):  # a Ray that has half started cannot be ended in order
                _start(options, scratch)
                pass_on_termination()
            logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # the listeners say which trials failed
            ray._private.worker._worker_logs_enabled = False  # so do they that a worker died
            _await_room(options)
            yield scratch
        finally:
            _end()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _end() -> None:
    """Ends Ray, or leaves the cluster, with no collection of garbage meanwhile.

    Another thread, such as the mirror's, may collect what refers to Ray's objects; while Ray is half ended that ends
    the process.
    """
    import ray  # noqa: PLC0415

    gc.collect()
    gc.disable()
    try:
        ray.shutdown()
    finally:
        gc.enable()


def _local(options: Options) -> bool:
    return options.address in (None, LOCAL)


def _fills(options: Options, trials: int) -> bool:
    """Whether most of the workers that Ray starts at once, one a core, will have a trial; each takes torch's memory."""
    at_once = min(trials, options.max_concurrent or trials)
    return not options.gpus_per_trial and 2 * at_once > cores()


def _take_waiting_workers() -> None:
    """Has Tune's actors start in workers that wait, which have imported what they need, and not in new ones.

    Ray starts a new process for an actor with environment variables of its own. Tune hands the driver's to its actors;
    where Ray runs on this machine alone, its workers have the driver's anyway.
    """
    from ray.tune.execution import class_cache  # noqa: PLC0415

    class_cache.DEFAULT_ENV_VARS = {}
    class_cache.ENV_VARS_TO_PROPAGATE = set()


def _store_size() -> int | None:
    """Returns the bytes of Ray's store where a control group leaves us less than the machine has; None: Ray's rule."""
    share = memory()
    return max(SMALLEST_STORE, int(STORE_SHARE * share)) if share < psutil.virtual_memory().total else None


def _start(options: Options, scratch: Path) -> None:
    import ray  # noqa: PLC0415

    if _local(options):
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                _temp_dir=str(scratch),
                num_cpus=cores(),
                object_store_memory=_store_size(),
            )
        except Exception as error:  # noqa: BLE001  Ray raises nothing narrower when its processes are too slow
            raise UserError(
                f"Ray did not start on this machine, is it very busy? Try again. Ray says: {error}"
            ) from error
        _take_waiting_workers()
        return
    try:
        ray.init(address=options.address, log_to_driver=False, logging_level="ERROR")
    except ConnectionError as error:
        raise UserError(f"no Ray cluster answers at {options.address!r} (from --address)") from error


def _await_room(options: Options) -> None:
    """Returns once a trial fits on some node; a cluster's nodes may still be joining. Raises UserError if none does."""
    import ray  # noqa: PLC0415

    until = time.monotonic() + (0 if _local(options) else JOINING)
    while missing := _missing(options, [node["Resources"] for node in ray.nodes() if node["Alive"]]):
        if time.monotonic() >= until:
            raise UserError(missing)
        time.sleep(1)


def _missing(options: Options, nodes: list[dict[str, float]]) -> str | None:
    """Returns what a trial asks for that no node has, or None."""
    wanted = {"CPU": options.cpus_per_trial, "GPU": options.gpus_per_trial}
    for name, need in wanted.items():
        largest = max((node.get(name, 0) for node in nodes), default=0)
        if need > largest:
            option = f"--{name.lower()}s-per-trial"
            return f"a trial asks for {need:g} {name} (from {option}); the largest node has {largest:g}"
    if any(all(node.get(name, 0) >= need for name, need in wanted.items()) for node in nodes):
        return None
    return f"a trial asks for {wanted['CPU']:g} CPU and {wanted['GPU']:g} GPU at once; no node has both"
