"""Launches a study: checks everything, then trains what is not yet trained, mirrors it to MLflow and reports."""

import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from search_spaces.core.space import Study
from study import reporting
from study.errors import UserError
from study.folder import Folder
from study.lookup import find_study
from study.overrides import Overrides
from study.trial import Trial, study_id
from study.uri import mask
from study.versions import commit, versions

if TYPE_CHECKING:
    from reports.core.write import Section
    from study.datasets.core.data import Data
    from study.mirror import Mirror


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a launch asks for, as the command line gives it."""

    name: str
    overrides: Overrides = Overrides()
    data_root: Path | None = None
    download: bool = False
    trials: int | None = None
    cpus_per_trial: float = 1
    gpus_per_trial: float = 0
    max_concurrent: int | None = None
    address: str | None = None
    tracking_uri: str | None = None
    output: Path | None = None


@dataclass(frozen=True)
class Plan:
    """A launch, checked: nothing has been started or written yet."""

    request: Request
    name: str
    study: Study
    identity: str
    trials: list[Trial]
    data: "Data"
    folder: Folder
    tracking_uri: str


@dataclass(frozen=True)
class Outcome:
    """How a launch ended."""

    plan: Plan
    sections: list["Section"]
    finished: int
    failed: int
    interrupted: bool
    seconds: float
    tracking_error: str | None

    @property
    def complete(self) -> bool:
        """Whether every trial is finished."""
        return self.finished == len(self.plan.trials)


def plan(request: Request) -> Plan:
    """Resolves and checks a request, data included. Raises UserError for whatever the user can mend."""
    from study.run import load_data  # noqa: PLC0415  torch takes seconds, and `study --help` has none of it
    from study.spec import data_options, resolve  # noqa: PLC0415

    name, study = find_study(request.name)
    study = request.overrides.apply(study)
    data = load_data(study.data, data_options(study, request.overrides.values), request.data_root, request.download)
    trials = resolve(study, data.fingerprint, request.overrides.values)
    identity = study_id(name, trials)
    output = request.output or Path("studies") / f"{name}-{study.data}-{identity[:6]}"
    folder = Folder(output.absolute())
    uri = request.tracking_uri or f"sqlite:///{folder.path.parent / 'mlflow.db'}"
    return Plan(request, name, study, identity, trials[: request.trials], data, folder, uri)


def launch(plan: Plan, console: Console) -> Outcome:
    """Runs a plan to its end; what its directory holds already is not done again. Raises UserError before any work.

    Ctrl-C ends it early and in order: what is finished is kept, reported and mirrored, and `interrupted` says so.
    """
    start = time.monotonic()
    plan.folder.claim(plan.name, plan.identity, plan.trials, _facts(plan))
    with plan.folder.held():
        return _launch(plan, console, start)


def _launch(plan: Plan, console: Console, start: float) -> Outcome:
    from study.mirror import Mirror  # noqa: PLC0415

    folder = plan.folder
    mirror = Mirror(plan.tracking_uri, folder, plan.trials)
    waiting = [trial for trial in plan.trials if folder.state(trial.key) != "finished"]
    interrupted = False
    try:
        if waiting:
            _train(plan, waiting, mirror, console)
    except KeyboardInterrupt:
        interrupted = True
    except UserError:
        mirror.close({})
        raise
    states = [folder.state(trial.key) for trial in plan.trials]
    sections, summary = reporting.make(folder) if "finished" in states else ([], {})
    mirror.close(summary)
    return Outcome(
        plan=plan,
        sections=sections,
        finished=states.count("finished"),
        failed=states.count("failed"),
        interrupted=interrupted or "started" in states or "pending" in states,
        seconds=time.monotonic() - start,
        tracking_error=mirror.error,
    )


def _train(plan: Plan, waiting: list[Trial], mirror: "Mirror", console: Console) -> None:
    from study.engine.cluster import Resources, connected  # noqa: PLC0415  a finished study needs no Ray
    from study.progress import Display  # noqa: PLC0415
    from study.run import Place  # noqa: PLC0415

    request = plan.request
    device = "cuda" if request.gpus_per_trial else "cpu"
    place = Place(device, max(1, int(request.cpus_per_trial)))
    resources = Resources(
        cpus_per_trial=request.cpus_per_trial,
        gpus_per_trial=request.gpus_per_trial,
        max_concurrent=request.max_concurrent,
        address=request.address,
    )
    done = len(plan.trials) - len(waiting)
    with Display(console, len(plan.trials), done) as display, connected(resources) as scratch:
        from study.engine.tune import run_trials  # noqa: PLC0415  imports ray, which `connected` sets up

        run_trials(plan.name, waiting, plan.data, plan.folder, place, resources, scratch, [display, mirror])


def _facts(plan: Plan) -> dict[str, object]:
    """Returns what study.json says of a launch beside the trials."""
    return {
        "question": plan.study.question,
        "data": plan.study.data,
        "fingerprint": plan.trials[0].fingerprint,
        "reports": list(plan.study.reports),
        "command": mask(shlex.join(["study", *sys.argv[1:]])),
        "tracking_uri": mask(plan.tracking_uri),
        "commit": commit(),
        "versions": versions(),
    }
