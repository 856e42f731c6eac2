"""A launch, planned: what it asks for, resolved and checked before anything is started or written."""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.core.space import Study
from study.errors import UserError
from study.ledger import candidates
from study.ledger.folder import Folder
from study.ledger.trial import Trial, study_id
from study.ledger.uri import MASK, absolute, mask
from study.ledger.versions import commit, versions
from study.plan.overrides import Overrides
from study.plan.stored import decode, encode
from study.registry.lookup import find_study

if TYPE_CHECKING:
    from study.datasets.core.data import Data
    from study.plan.space import Space

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
    from study.plan.space import Space, data_options, resolve  # noqa: PLC0415
    from study.work.parents import attach  # noqa: PLC0415  torch takes seconds, and `study --help` has none of it
    from study.work.trial_run import load_data  # noqa: PLC0415

    values = request.overrides.values
    data = load_data(study.data, data_options(study, values), request.data_root, request.download)
    space = Space(study, data.fingerprint, values)
    space.check()
    if study.population and request.storage:
        raise UserError("--storage is not for a population, whose members read one another's states. Share --output")
    if study.population and request.trial_timeout:
        raise UserError("--trial-timeout is not for a population, whose members wait for one another")
    if study.selects:
        if request.trials:
            raise UserError("--trials is not for a search, whose trials are not known beforehand. Use --samples")
        trials, identity = [], space.identity(name)
    else:
        trials = attach(resolve(study, data.fingerprint, values), study, request.parents, data)
        identity = study_id(name, trials)
    output = request.output or Path("studies") / f"{name}-{study.data}-{identity[:6]}"
    folder = Folder(output.absolute(), request.storage)
    uri = absolute(request.tracking_uri or f"sqlite:///{folder.path.parent / 'mlflow.db'}")
    return Plan(request, name, study, identity, space, trials[: request.trials], data, folder, uri, command)


def refuse_hindsight(study: Study, folder: Folder) -> None:
    """Raises UserError where a search is to be longer than it was when test data was read for its best."""
    if study.searching and candidates.chosen(folder) is not None:
        tried = len(candidates.read(folder))
        if study.searching.algorithm != "grid" and tried < study.searching.samples:
            raise UserError(
                f"the search in {folder.path} is over: test data has been read for the best of {tried} candidates, so "
                f"that {study.searching.samples} --samples would choose by hindsight. Choose another --output"
            )


def facts(plan: Plan) -> dict[str, object]:
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
            "tracking_uri": mask(absolute(request.tracking_uri)) if request.tracking_uri else None,
            **{name: getattr(request, name) for name in STORED},
        },
    }


def _selection_reports(study: Study) -> tuple[str, ...]:
    if study.population:
        return ("population_schedules",)
    return ("search_front", "search_history", "search_importance", "search_parallel") if study.searching else ()
