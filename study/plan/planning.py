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
from study.ledger.uri import absolute, check, mask
from study.ledger.versions import commit, versions
from study.plan import paths
from study.plan.options import Options, restored, stored
from study.plan.overrides import adopted, changed
from study.plan.race_rounds import rounds_of
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


def plan(name: str, options: Options, *, thorough: bool = False) -> Plan:
    """Resolves and checks a launch: data, and a step of each method, too. Raises UserError for what the user can mend.

    name: of a study, or a path to a file that defines one. thorough: also tries the metrics, and the user's own
    reports.
    """
    short, study, beside = find_study(name)
    options = paths.of_options(options)
    study = changed(paths.of_study(adopted(study, beside)), _here(options))
    return _plan(short, study, options, mask(shlex.join(["study", *sys.argv[1:]])), thorough)


def resume(directory: Path, changes: Mapping[str, Any], *, thorough: bool = False) -> Plan:
    """Returns the plan that goes on where a directory stands, as it was launched last; reads nothing else.

    changes: of options that change no numbers. thorough: as of `plan`. Raises UserError like `plan`, and where the
    directory holds no study, or was given a credential, which is never stored, and is not given one now.
    """
    folder = Folder(paths.absolute(directory))
    record = folder.read()
    sources.use(folder.code)
    launch = record["launch"]
    options = paths.of_options(replace(restored(launch["options"], changes), output=folder.path))
    resumed = _plan(record["name"], decode(launch["study"]), options, record["command"], thorough)
    if resumed.study.selects:
        return resumed
    return replace(resumed, trials=list({t.key: t for t in [*folder.trials(), *resumed.trials]}.values()))


def _here(options: Options) -> Options:
    """Returns the options with a data set and a model of the user's own under the names that trials keep."""
    named = {"dataset": options.data, "model": options.model}
    own = {kind: adopt(kind, name) for kind, name in named.items() if name is not None}
    return replace(options, data=own.get("dataset"), model=own.get("model"))


def _plan(name: str, study: Study, options: Options, command: str, thorough: bool) -> Plan:
    from study.plan import trying  # noqa: PLC0415  torch takes seconds
    from study.plan.checks import check_stylised  # noqa: PLC0415
    from study.plan.space import Space, data_options, resolve  # noqa: PLC0415
    from study.work.parents import attach  # noqa: PLC0415
    from study.work.trial_run import load_data  # noqa: PLC0415

    trying.forms(study)
    data = load_data(study.data, data_options(study, options.values), options.data_root, options.download)
    space = Space(study, data.fingerprint, options.values)
    space.check()
    rounds_of(options)  # refuses options of a race where there is none
    if study.population and options.storage:
        raise UserError("--storage is not for a population, whose members read one another's states. Share --output")
    if study.population and options.trial_timeout:
        raise UserError("--trial-timeout is not for a population, whose members wait for one another")
    if options.until_sure:
        _check_race(study, options)
        study = replace(study, seeds=rounds_of(options)[0])
        space = Space(study, data.fingerprint, options.values)
    if study.selects:
        if options.trials:
            raise UserError("--trials is not for a search, whose trials are not known beforehand. Use --samples")
        trials, identity = [], space.identity(name)
    else:
        trials = attach(resolve(study, data.fingerprint, options.values), study, options.parents, data)
        identity = study_id(name, trials)
    firsts = [space.first(arm) for arm in space.arms]
    check_stylised(firsts)
    trying.steps(firsts, data)
    if thorough:
        settings = list({trial.config_id: trial for trial in (*firsts, *trials)}.values())
        trying.reports(study, settings, trying.measurements(firsts[0], data))
    output = options.output or Path("studies") / f"{name}-{short(study.data)}-{identity[:6]}"
    folder = Folder(output.absolute(), options.storage)
    uri = absolute(options.tracking_uri or f"sqlite:///{folder.path.parent / 'mlflow.db'}")
    check(uri)
    return Plan(name, study, options, identity, space, trials[: options.trials], data, folder, uri, command)


def _check_race(study: Study, options: Options) -> None:
    """Raises UserError where a study cannot be raced."""
    if study.selects:
        raise UserError("--until-sure races every setting of a study; a search or a population chooses by itself")
    if any(arm.parent for arm in study.arms):
        raise UserError("--until-sure is not for a study whose arms have parents: each seed needs a parent of its own")
    if options.trials:
        raise UserError("--trials is not for a race, which decides by itself how many there are. Use --max-seeds")


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
        "reports": [*_design_reports(plan), *plan.study.reports, *_certainty_reports(plan)],
        "command": plan.command,
        "tracking_uri": mask(plan.tracking_uri),
        "commit": commit(),
        "versions": versions(),
        "launch": {"study": encode(plan.study), "options": stored(plan.options)},
    }


def _design_reports(plan: Plan) -> tuple[str, ...]:
    """Returns the reports that show how the trials were chosen."""
    if plan.options.until_sure:
        return ("race",)
    if plan.study.population:
        return ("population_schedules",)
    searching = ("search_front", "search_history", "search_importance", "search_parallel")
    return searching if plan.study.searching else ()


def _certainty_reports(plan: Plan) -> tuple[str, ...]:
    """Returns the reports that show how sure the numbers are, where there are gains to be sure of."""
    several = len({trial.config_id for trial in plan.trials}) > 1
    return ("gain_intervals",) if several and "corruption" in plan.study.evaluate else ()
