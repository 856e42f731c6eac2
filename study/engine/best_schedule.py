"""What a population ends with: its members' ways, the best one and its mean values held, and its study file.

Whether a schedule is better than fixed values is seen where its mean values are trained from the start with the same
seeds: as much noise, say, but not when. Its last values would not do, where a learning rate has fallen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pprint import pformat
from statistics import fmean, geometric_mean, mode
from typing import Any

from search_spaces.core.space import Dimension, Grid, Search
from study.errors import UserError
from study.ledger import candidates, files
from study.ledger.candidates import Candidate
from study.ledger.folder import Folder
from study.ledger.trial import Trial, with_values
from study.plan.space import Space
from study.registry import sources

BEST = "best schedule"
"""The arm of the best member's way, trained from the start."""
FIXED = "fixed values"
"""The arm of its mean values, held from the start."""
DIGITS = 6
"""Of a mean value: as many as labels have."""


def members(folder: Folder, space: Space) -> list[Trial] | None:
    """Returns the members' trials, each the whole way to its last state; None while a member is not done."""
    assert space.study.population is not None
    notes = [folder.member(m, space.epochs).with_suffix(".json") for m in range(space.study.population.size)]
    if not all(note.exists() for note in notes):
        return None
    schedules = [files.read_json(note)["trial"] for note in notes]
    return [Trial.from_json(json.dumps(fields)) for fields in schedules]


def choose(folder: Folder, space: Space, schedules: list[Trial]) -> None:
    """Records the members and the best of them, by its validation table, whose schedule each seed is to follow, and
    beside it its mean values, where it has changed them.
    """
    population = space.study.population
    assert population is not None
    for number, schedule in enumerate(schedules):
        Candidate(number, number, schedule.values_at(space.epochs), (schedule,)).write(folder)
    chosen = candidates.choose(folder, Search(objectives=(population.objective,)))
    if not chosen:
        raise UserError(f"every member of the population in {folder.path} diverged. Give it smaller ranges")
    (best,) = chosen
    (value,) = best.values(folder, [population.objective])
    repeated = tuple(replace(best.trials[0], arm=BEST, seed=seed) for seed in range(space.study.seeds))
    Candidate(len(schedules), best.number, best.params, repeated).write(folder)
    entries = [{"number": len(schedules), "member": best.number, population.objective: value}]
    if best.trials[0].schedule:
        fixed = tuple(_fixed(trial, population.mutate) for trial in repeated)
        Candidate(len(schedules) + 1, best.number, fixed[0].values_at(0), fixed).write(folder)
        entries.append({"number": len(schedules) + 1})
    folder.write_json(folder.chosen, {"objectives": [population.objective], "candidates": entries})


def _fixed(trial: Trial, dimensions: Mapping[str, Dimension]) -> Trial:
    """Returns a trial with the mean values of its schedule from the start."""
    epochs = [trial.values_at(epoch) for epoch in range(trial.recipe["epochs"])]
    values = {name: mean_value([each[name] for each in epochs], dimensions[name]) for name in trial.varied}
    params, recipe = with_values(trial.params, trial.recipe, values)
    return replace(trial, arm=FIXED, params=params, recipe=recipe, schedule=())


def mean_value(values: Sequence[Any], dimension: Dimension) -> Any:
    """Returns what values of each epoch come to: their mean, the geometric one where the range is logarithmic.

    A whole number where the range has no others; of a grid the value of most epochs, of several the first.
    """
    if isinstance(dimension, Grid):
        return mode(values)
    mean = geometric_mean(values) if dimension.log else fmean(values)
    return round(mean) if dimension.whole else float(f"{mean:.{DIGITS}g}")


def export(folder: Folder, space: Space, name: str) -> None:
    """Writes report/best_schedule.py, a study file that trains the best member's schedule, and its mean values held."""
    trial, *beside = (candidate.trials[0] for candidate in candidates.chosen(folder) or [])
    study, fixed = space.study, beside[0] if beside else trial
    named = {name.partition(".")[0] for name in trial.varied}

    def values(epoch: int, of: Trial = trial) -> dict[str, object]:
        params, recipe = of.at(epoch)
        return {**params, **{k: v for k, v in recipe.items() if k in named}}

    schedule = tuple(
        (phase["epoch"], {k: v for k, v in values(phase["epoch"]).items() if k in named}) for phase in trial.schedule
    )
    recipe = {k: v for k, v in trial.recipe.items() if k not in named}
    options = " ".join(f"--set model.{k}={json.dumps(v)}" for k, v in trial.model_params.items())
    evaluate = {_file(name): options for name, options in trial.evaluate.items()}
    text = f'''"""The best schedule of the population {name}, to be launched as any study:

study launch best_schedule.py {options}
"""

from search_spaces.core.space import Arm, Study

SCHEDULE = {pformat(schedule, width=110, sort_dicts=False)}

STUDY = Study(
    question="Is the schedule that the population {name} found better than its mean values, held from the start?",
    arms=(
        Arm(method={_file(trial.method)!r}, label={BEST!r}, space={values(0)!r}, schedule=SCHEDULE),
        Arm(method={_file(trial.method)!r}, label={FIXED!r}, space={values(0, fixed)!r}),
    ),
    data={_file(trial.data)!r},
    data_options={dict(trial.data_params)!r},
    model={_file(trial.model)!r},
    recipe={recipe!r},
    evaluate={evaluate!r},
    reports=("method_comparison", "corruption_table"),
    seeds={study.seeds},
)
'''
    files.write(folder.report / "best_schedule.py", text.encode())


def _file(name: str) -> str:
    """Returns a name as a study in the folder of the report has it: of the user's own code, the file of its copy."""
    if "@" not in name:
        return name
    source = sources.stored(name)
    return f"../code/{source.hash}/{source.path.relative_to(source.root).as_posix()}"
