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
from study.ledger.trial import Trial, short, study_id
from study.ledger.uri import absolute, mask
from study.ledger.versions import commit, versions
from study.plan.options import Options, restored, stored
from study.plan.overrides import adopted, changed
from study.plan.stored import decode, encode
from study.registry import sources
from study.registry.lookup import adopt, find_study

if TYPE_CHECKING:
    from study.datasets.core.data import Data
    from study.plan.space import Space


@dataclass(frozen=True)
class Plan:
    """A launch, checked: nothing has been started or written yet. trials: those that are known before it starts."""

    name: str
    study: Study
    options: Options
    identity: str
    space: "Space"
    trials: list[Trial]
    data: "Data"
    folder: Folder
    tracking_uri: str
    command: str
    """That launched the study."""


def plan(name: str, options: Options) -> Plan:
    """Resolves and checks a launch, data included. Raises UserError for whatever the user can mend.

    name: of a study, or a path to a file that defines one.
    """
    short, study, beside = find_study(name)
    study = changed(adopted(study, beside), _here(options))
    return _plan(short, study, options, mask(shlex.join(["study", *sys.argv[1:]])))


def resume(directory: Path, changes: Mapping[str, Any]) -> Plan:
    """Returns the plan that goes on where a directory stands, as it was launched last; reads nothing else.

    changes: of options that change no numbers. Raises UserError like `plan`, and where the directory holds no study,
    or was given a credential, which is never stored, and is not given one now.
    """
    folder = Folder(directory.absolute())
    record = folder.read()
    sources.use(folder.code)
    launch = record["launch"]
    options = replace(restored(launch["options"], changes), output=folder.path)
    resumed = _plan(record["name"], decode(launch["study"]), options, record["command"])
    if resumed.study.selects:
        return resumed
    return replace(resumed, trials=list({t.key: t for t in [*folder.trials(), *resumed.trials]}.values()))


def _here(options: Options) -> Options:
    """Returns the options with a data set and a model of the user's own under the names that trials keep."""
    named = {"dataset": options.data, "model": options.model}
    own = {kind: adopt(kind, name) for kind, name in named.items() if name is not None}
    return replace(options, data=own.get("dataset"), model=own.get("model"))


def _plan(name: str, study: Study, options: Options, command: str) -> Plan:
    from study.plan.space import Space, data_options, resolve  # noqa: PLC0415  torch takes seconds
    from study.work.parents import attach  # noqa: PLC0415
    from study.work.trial_run import load_data  # noqa: PLC0415

    data = load_data(study.data, data_options(study, options.values), options.data_root, options.download)
    space = Space(study, data.fingerprint, options.values)
    space.check()
    if study.population and options.storage:
        raise UserError("--storage is not for a population, whose members read one another's states. Share --output")
    if study.population and options.trial_timeout:
        raise UserError("--trial-timeout is not for a population, whose members wait for one another")
    if study.selects:
        if options.trials:
            raise UserError("--trials is not for a search, whose trials are not known beforehand. Use --samples")
        trials, identity = [], space.identity(name)
    else:
        trials = attach(resolve(study, data.fingerprint, options.values), study, options.parents, data)
        identity = study_id(name, trials)
    output = options.output or Path("studies") / f"{name}-{short(study.data)}-{identity[:6]}"
    folder = Folder(output.absolute(), options.storage)
    uri = absolute(options.tracking_uri or f"sqlite:///{folder.path.parent / 'mlflow.db'}")
    return Plan(name, study, options, identity, space, trials[: options.trials], data, folder, uri, command)


def refuse_hindsight(study: Study, folder: Folder) -> None:
    """Raises UserError where a search is to be longer than it was when test data was read for its best."""
    if study.searching and candidates.chosen(folder) is not None:
        tried = len(candidates.read(folder))
        if study.searching.algorithm != "grid" and tried < study.searching.samples:
            raise UserError(
                f"the search in {folder.path} is over: test data has been read for the best of {tried} candidates, so "
                f"that {study.searching.samples} --samples would choose by hindsight. Choose another --output"
            )


def claim(plan: Plan) -> None:
    """Makes the plan's directory, which is held, the home of its study, with all that is needed to go on from there.

    Raises UserError where another study lives there, StorageError where it cannot be written.
    """
    plan.folder.check(plan.name, plan.identity)
    for source in sources.named_in(plan.study):
        for name, content in source.files.items():
            plan.folder.write(plan.folder.code / source.hash / name, content)
    plan.folder.claim(plan.name, plan.identity, plan.trials, facts(plan))  # last: where study.json is, all is


def facts(plan: Plan) -> dict[str, object]:
    """Returns what study.json says of a launch beside the trials; "launch" is what `resume` goes by."""
    return {
        "question": plan.study.question,
        "data": short(plan.study.data),
        "fingerprint": plan.data.fingerprint,
        "reports": [*_selection_reports(plan.study), *plan.study.reports],
        "command": plan.command,
        "tracking_uri": mask(plan.tracking_uri),
        "commit": commit(),
        "versions": versions(),
        "launch": {"study": encode(plan.study), "options": stored(plan.options)},
    }


def _selection_reports(study: Study) -> tuple[str, ...]:
    if study.population:
        return ("population_schedules",)
    return ("search_front", "search_history", "search_importance", "search_parallel") if study.searching else ()
