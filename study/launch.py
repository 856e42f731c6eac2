"""Launches a study: checks everything, then trains what is not yet trained, mirrors it to MLflow and reports."""

import shlex
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from search_spaces.core.space import Study
from study import candidates, population, reporting
from study.errors import UserError
from study.files import storing
from study.folder import Folder
from study.lookup import find_study
from study.overrides import Overrides
from study.stored import decode, encode
from study.trial import Trial, study_id
from study.uri import MASK, mask
from study.versions import commit, versions

if TYPE_CHECKING:
    from reports.core.write import Section
    from study.datasets.core.data import Data
    from study.engine.tune import Bench
    from study.mirror import Mirror
    from study.spec import Space

LOCAL = "local"
"""The address that stands for a Ray of our own: it lets a study that was launched on a cluster go on without one."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a launch asks for, as the command line gives it."""

    name: str
    overrides: Overrides = Overrides()
    parents: Path | None = None
    data_root: Path | None = None
    download: bool = False
    trials: int | None = None
    cpus_per_trial: float = 1
    gpus_per_trial: float = 0
    max_concurrent: int | None = None
    address: str | None = None
    retries: int = 2
    trial_timeout: float | None = None
    tracking_uri: str | None = None
    output: Path | None = None
    storage: str | None = None


STORED = ("download", "trials", "cpus_per_trial", "gpus_per_trial", "max_concurrent", "address", "retries",
          "trial_timeout", "storage")  # fmt: skip
"""What study.json keeps of a request as it is; names, paths and secrets need more care."""


@dataclass(frozen=True)
class Plan:
    """A launch, checked: nothing has been started or written yet. trials: those that are known before it starts."""

    request: Request
    name: str
    study: Study
    identity: str
    space: "Space"
    trials: list[Trial]
    data: "Data"
    folder: Folder
    tracking_uri: str
    command: str
    """That launched the study."""


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
    total: int
    """Trials that were to be finished: a study's, or the seeds of the settings that its search chose."""
    candidates: Counter[str] | None
    """How many of a search's candidates ended how."""

    @property
    def complete(self) -> bool:
        """Whether every trial is finished."""
        return not self.interrupted and self.finished == self.total


def plan(request: Request) -> Plan:
    """Resolves and checks a request, data included. Raises UserError for whatever the user can mend."""
    name, study = find_study(request.name)
    return _plan(request, name, request.overrides.apply(study), mask(shlex.join(["study", *sys.argv[1:]])))


def resume(directory: Path, changes: Mapping[str, Any]) -> Plan:
    """Returns the plan that goes on where a directory stands, as it was launched last; reads nothing else.

    changes: fields of Request to have anew, of those that change no numbers. Raises UserError like `plan`, and where
    the directory holds no study, or was given a credential, which is never stored, and is not given one now.
    """
    folder = Folder(directory.absolute())
    record = folder.read()
    kept = record["launch"]
    root, parents, uri = kept["data_root"], kept["parents"], kept["tracking_uri"]
    if uri is not None and MASK in uri and "tracking_uri" not in changes:
        raise UserError(f"{uri} needs its user and password again, which are not stored: add --tracking-uri")
    request = Request(
        name=record["name"],
        overrides=Overrides(values=decode(kept["values"])),
        data_root=Path(root) if root else None,
        parents=Path(parents) if parents else None,
        tracking_uri=uri,
        output=folder.path,
        **{name: kept[name] for name in STORED},
    )
    made = _plan(replace(request, **changes), record["name"], decode(kept["study"]), record["command"])
    if made.study.selects:
        return made
    return replace(made, trials=list({t.key: t for t in [*folder.trials(), *made.trials]}.values()))


def _plan(request: Request, name: str, study: Study, command: str) -> Plan:
    from study.parents import attach  # noqa: PLC0415  torch takes seconds, and `study --help` has none of it
    from study.run import load_data  # noqa: PLC0415
    from study.spec import Space, data_options, resolve  # noqa: PLC0415

    values = request.overrides.values
    data = load_data(study.data, data_options(study, values), request.data_root, request.download)
    space = Space(study, data.fingerprint, values)
    space.check()
    if study.population and request.storage:
        raise UserError("--storage is not for a population, whose members read one another's states. Share --output")
    if study.selects:
        if request.trials:
            raise UserError("--trials is not for a search, whose trials are not known beforehand. Use --samples")
        trials, identity = [], space.identity(name)
    else:
        trials = attach(resolve(study, data.fingerprint, values), study, request.parents, data)
        identity = study_id(name, trials)
    output = request.output or Path("studies") / f"{name}-{study.data}-{identity[:6]}"
    folder = Folder(output.absolute(), request.storage)
    uri = request.tracking_uri or f"sqlite:///{folder.path.parent / 'mlflow.db'}"
    if study.searching and candidates.chosen(folder) is not None:
        tried = len(candidates.read(folder))
        if study.searching.algorithm != "grid" and tried < study.searching.samples:
            raise UserError(
                f"the search in {folder.path} is over: test data has been read for the best of {tried} candidates, so "
                f"that {study.searching.samples} --samples would choose by hindsight. Choose another --output"
            )
    return Plan(request, name, study, identity, space, trials[: request.trials], data, folder, uri, command)


def launch(plan: Plan, console: Console) -> Outcome:
    """Runs a plan to its end; what its directory holds already is not done again. Raises UserError before any work,
    and StorageError when nothing can be written any more.

    Ctrl-C ends it early and in order: what is finished is kept, reported and mirrored, and `interrupted` says so.
    """
    start = time.monotonic()
    plan.folder.fetch_study()
    plan.folder.claim(plan.name, plan.identity, plan.trials, _facts(plan))
    with plan.folder.held():
        return _launch(plan, console, start)


def _launch(plan: Plan, console: Console, start: float) -> Outcome:
    from study.mirror import Mirror  # noqa: PLC0415

    folder = plan.folder
    mirror = Mirror(plan.tracking_uri, folder)
    interrupted = False
    made = None
    try:
        try:
            interrupted = not _work(plan, mirror, console)
        except KeyboardInterrupt:
            interrupted = True
        if any(folder.state(trial.key) == "finished" for trial in _reported(plan)):
            with storing(folder.report):
                made = reporting.make([folder], folder.report)
            folder.keep(folder.report)
    except KeyboardInterrupt:  # while the report is made, or again
        interrupted = True
    except UserError:
        mirror.close({})
        raise
    mirror.close(made.summary if made else {})
    states = [folder.state(trial.key) for trial in _reported(plan)]
    tried = [c.outcome(folder) for c in candidates.read(folder) if c.trials[0].arm != population.BEST]
    return Outcome(
        plan=plan,
        sections=made.sections if made else [],
        finished=states.count("finished"),
        failed=states.count("failed"),
        interrupted=interrupted,
        seconds=time.monotonic() - start,
        tracking_error=mirror.error,
        total=len(states),
        candidates=Counter(tried) if plan.study.selects else None,
    )


def _reported(plan: Plan) -> list[Trial]:
    """Returns the trials that are to be measured on test data, as far as they are known."""
    if not plan.study.selects:
        return plan.trials
    return [trial for candidate in candidates.chosen(plan.folder) or [] for trial in candidate.trials]


def _work(plan: Plan, mirror: "Mirror", console: Console) -> bool:
    """Does what the directory has not yet; returns whether that is all, which Ctrl-C prevents."""
    selecting = plan.study.selects and candidates.chosen(plan.folder) is None
    if not selecting and not _waiting(plan):
        return True  # a finished study needs no Ray
    from study.engine.cluster import Resources, connected  # noqa: PLC0415
    from study.keeper import Keeper  # noqa: PLC0415
    from study.progress import Display  # noqa: PLC0415
    from study.run import Place  # noqa: PLC0415

    request = plan.request
    resources = Resources(
        cpus_per_trial=request.cpus_per_trial,
        gpus_per_trial=request.gpus_per_trial,
        max_concurrent=request.max_concurrent,
        address=None if request.address == LOCAL else request.address,
        retries=request.retries,
        trial_timeout=request.trial_timeout,
    )
    with Display(console, *_ahead(plan, selecting)) as display, connected(resources) as scratch:
        from study.engine.tune import Bench, run_trials  # noqa: PLC0415  imports ray, see `connected`

        bench = Bench(
            study=plan.name,
            data=plan.data,
            folder=plan.folder,
            place=Place("cuda" if request.gpus_per_trial else "cpu", max(1, int(request.cpus_per_trial))),
            resources=resources,
            scratch=scratch,
            listeners=(Keeper(plan.folder), display, mirror),
        )
        if selecting:
            if not _select(plan, bench):
                return False
            display.begin(len(_reported(plan)))
        waiting = _waiting(plan)
        run_trials(bench, waiting)
    return not any(plan.folder.state(trial.key) in ("started", "pending", "validated") for trial in waiting)


def _waiting(plan: Plan) -> list[Trial]:
    return [trial for trial in _reported(plan) if plan.folder.state(trial.key) != "finished"]


def _ahead(plan: Plan, selecting: bool) -> tuple[int, int]:
    """Returns how many trials there are to do first, and how many of them are done."""
    study = plan.study
    if not selecting:
        return len(_reported(plan)), len(_reported(plan)) - len(_waiting(plan))
    if study.population:
        return study.population.size, 0
    settings = study.trial_count  # of a grid with --set's values it is another number
    if study.searching and study.searching.algorithm == "grid":
        settings = study.seeds * sum(len(arm.settings()) for arm in plan.space.arms)
    return settings, sum(plan.folder.state(t.key) in ("validated", "stopped") for t in plan.folder.trials())


def _select(plan: Plan, bench: "Bench") -> bool:
    """Runs the study's search or population to its end and records what it chose; returns whether it came to it."""
    from study.engine.optimizer import Optimizer  # noqa: PLC0415
    from study.engine.population import run_population  # noqa: PLC0415
    from study.engine.tune import run_search  # noqa: PLC0415

    if plan.study.population:
        run_population(bench, plan.space)
        ways = population.members(plan.folder, plan.space)
        if ways is None:
            return False
        population.choose(plan.folder, plan.space, ways)
        population.export(plan.folder, plan.space, plan.name)
        return True
    assert plan.study.searching is not None
    optimizer = Optimizer(plan.name, plan.space, plan.study.searching, plan.folder)
    run_search(bench, optimizer)
    if optimizer.complete:
        candidates.choose(plan.folder, optimizer.search)
    return optimizer.complete


def _selection_reports(study: Study) -> tuple[str, ...]:
    if study.population:
        return ("population_schedules",)
    return ("search_front", "search_history", "search_importance", "search_parallel") if study.searching else ()


def _facts(plan: Plan) -> dict[str, object]:
    """Returns what study.json says of a launch beside the trials; "launch" is what `resume` goes by."""
    request = plan.request
    return {
        "question": plan.study.question,
        "data": plan.study.data,
        "fingerprint": plan.data.fingerprint,
        "reports": [*_selection_reports(plan.study), *plan.study.reports],
        "command": plan.command,
        "tracking_uri": mask(plan.tracking_uri),
        "commit": commit(),
        "versions": versions(),
        "launch": {
            "study": encode(plan.study),
            "values": encode(request.overrides.values),
            "data_root": str(request.data_root.absolute()) if request.data_root else None,
            "parents": str(request.parents.absolute()) if request.parents else None,
            "tracking_uri": mask(request.tracking_uri) if request.tracking_uri else None,
            **{name: getattr(request, name) for name in STORED},
        },
    }
