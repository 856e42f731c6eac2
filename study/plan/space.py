"""From a study and what the user overrides to checked trials."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from search_spaces.core.space import Arm, Grid, Population, Range, Study
from study.errors import UserError
from study.evaluation.corruptions.catalog import CATALOG
from study.ledger.trial import Trial, digest, file_digest, folder_digest, names_digest
from study.plan.overrides import Values
from study.registry import options
from study.registry.lookup import find, suggest
from trainers.core.loop import Recipe

FOLDERS = {"folder": folder_digest, "classes_from": names_digest}
"""Option of a metric that names a folder -> the hash of what it reads there."""


def resolve(study: Study, fingerprint: str, values: Values = ()) -> list[Trial]:
    """Returns the study's trials, seeds slowest, so that a study cut short has whole settings as late as possible.

    fingerprint: of the loaded dataset. values: --set's pairs; "model.x" and "data.x" reach the model's and the
    dataset's options, any other key a method's or the recipe's. Identical trials are merged.
    Raises UserError for anything unknown, of the wrong type or out of range, and for a Range.
    """
    space = Space(replace(study, population=None), fingerprint, values)
    for arm in space.arms:
        for name, dimension in arm.dimensions().items():
            if isinstance(dimension, Range):
                raise UserError(
                    f"{name} of the arm {arm.label!r} is a Range, which only a search can draw from. "
                    "Add --search tpe, or give a Grid"
                )
    settings = [(arm, setting) for arm in space.arms for setting in arm.settings()]
    found = [space.trial(arm, setting, seed) for seed in range(study.seeds) for arm, setting in settings]
    trials: dict[str, Trial] = {}
    for trial in found:
        trials.setdefault(trial.key, trial)
    return list(trials.values())


class Space:
    """Every setting that a study can try, checked: its arms with --set's values worked in, and their trials."""

    def __init__(self, study: Study, fingerprint: str, values: Values = ()) -> None:
        grids = _grids(values)
        _check_keys(study, grids)
        self.study, self.fingerprint, self.given = study, fingerprint, grids
        self.data_params = data_options(study, values)
        self.model_params = options.check(study.model, find("model", study.model), _prefixed("model.", grids), "--set")
        self.weights = _weights(study.model, self.model_params)
        self.evaluate = {n: options.check(n, find("metric", n), v, "the study") for n, v in study.evaluate.items()}
        self.folders = _folders(self.evaluate)
        self.arms = tuple(self._changed(arm) for arm in study.arms)
        if study.population:
            if fixed := [name for name in study.population.mutate if name.partition(".")[0] in grids]:
                raise UserError(f"the population mutates {fixed[0]!r}, which --set cannot fix")
            self.arms = tuple(_mutating(arm, study.population) for arm in self.arms)
        self._tried: set[str] = set()

    def trial(self, arm: Arm, setting: Mapping[str, Any], seed: int) -> Trial:
        """Returns the trial of an arm's setting. Raises UserError where it is wrong."""
        where = "--set" if any(k in self.given for k in setting) else f"the arm {arm.label!r}"
        params, recipe = self._split(arm, setting, where)
        trial = Trial(
            arm=arm.label,
            method=arm.method,
            params=params,
            recipe=recipe,
            data=self.study.data,
            data_params=self.data_params,
            fingerprint=self.fingerprint,
            model=self.study.model,
            model_params=self.model_params,
            weights=self.weights,
            evaluate=self.evaluate,
            folders=self.folders,
            seed=seed,
            parent=None if arm.parent is None else {"setting": arm.parent},
            schedule=self._schedule(arm, setting, recipe["epochs"]),
            varied=tuple(arm.dimensions()) or tuple(dict.fromkeys(k for _, values in arm.schedule for k in values)),
        )
        if trial.config_id not in self._tried:
            _try(trial, where)
            self._tried.add(trial.config_id)
        return trial

    def _split(self, arm: Arm, setting: Mapping[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
        recipe = {k: v for k, v in setting.items() if k in options.options_of(Recipe)}
        params = {k: v for k, v in setting.items() if k not in recipe}
        return (
            options.check(arm.method, find("method", arm.method), params, where),
            options.check("training", Recipe, {**self.study.recipe, **recipe}, where),
        )

    def _schedule(self, arm: Arm, setting: Mapping[str, Any], epochs: int) -> tuple[Mapping[str, Any], ...]:
        """Returns the arm's phases; each changes the one before. --set's values hold in all of them."""
        where, last, found = f"the schedule of the arm {arm.label!r}", 0, []
        for epoch, values in arm.schedule:
            if not last < epoch < epochs:
                raise UserError(f"{where} has a phase after {epoch} epochs; it should be between {last} and {epochs}")
            if fixed := [name for name in values if name in FIXED]:
                raise UserError(f"{where} changes {fixed[0]!r}, which holds for the whole training")
            setting = {**setting, **{k: v for k, v in values.items() if k not in self.given}}
            params, recipe = self._split(arm, setting, where)
            found.append({"epoch": epoch, "params": params, "recipe": recipe})
            last = epoch
        return tuple(found)

    def trials(self, arm: Arm, chosen: Mapping[str, Any]) -> list[Trial]:
        """Returns the trials of one candidate, one a seed: a value is chosen for every dimension of the arm."""
        return [self.trial(arm, arm.setting(chosen), seed) for seed in range(self.study.seeds)]

    def check(self) -> None:
        """Raises UserError where an end of a range or a value of a grid is wrong, or how they are searched."""
        _check_search(self.study, self.arms)
        _check_population(self.study, self.arms)
        for arm in self.arms:
            ends = {n: (d.low, d.high) if isinstance(d, Range) else d.values for n, d in arm.dimensions().items()}
            first = {name: values[0] for name, values in ends.items()}
            self.trial(arm, arm.setting(first), 0)
            for name, values in ends.items():
                for value in values[1:]:
                    self.trial(arm, arm.setting({**first, name: value}), 0)

    @property
    def epochs(self) -> int:
        """Most epochs of any trial."""
        found = []
        for arm in self.arms:
            dimension = arm.dimensions().get("epochs")
            if dimension is None:
                found.append(self._first(arm).recipe["epochs"])
            else:
                found += [dimension.high] if isinstance(dimension, Range) else dimension.values
        return int(max(found))

    def _first(self, arm: Arm) -> Trial:
        """Returns a trial of the arm: the first value of every dimension."""
        values = {n: d.low if isinstance(d, Range) else d.values[0] for n, d in arm.dimensions().items()}
        return self.trial(arm, arm.setting(values), 0)

    def identity(self, name: str) -> str:
        """Returns the identity of a study that searches: what decides which candidates it tries, but their number."""
        search = asdict(self.study.searching) if self.study.searching else {}
        search = {name: value for name, value in search.items() if name not in ("samples", "chosen")}
        arms = []
        for arm in self.arms:
            described = {n: [type(d).__name__, asdict(d)] for n, d in arm.dimensions().items()}
            arms.append([arm.label, described, self._first(arm).key])
        others = [asdict(d) for d in (self.study.scheduler, self.study.population) if d is not None]
        return digest([name, arms, self.study.seeds, search, others])

    def _changed(self, arm: Arm) -> Arm:
        known = {**options.options_of(find("method", arm.method)), **options.options_of(Recipe)}
        return replace(arm, space={**arm.space, **{k: v for k, v in self.given.items() if k in known}})


def _mutating(arm: Arm, population: Population) -> Arm:
    """Returns the arm with what mutates in place of what it had."""
    space = dict(arm.space)
    for name, dimension in population.mutate.items():
        head, _, field = name.partition(".")
        space[head] = {**space.get(head, {}), field: dimension} if field else dimension
    return replace(arm, space=space)


POPULATIONS = ("pbt", "pb2")
FIXED = ("epochs", "optimizer")
"""Recipe parameters that no schedule can change."""
ALGORITHMS = ("tpe", "random", "grid")
SCHEDULERS = ("asha", "median")


def _check_search(study: Study, arms: tuple[Arm, ...]) -> None:
    search, scheduler = study.searching, study.scheduler
    if scheduler and scheduler.algorithm not in SCHEDULERS:
        raise UserError(f"there is no scheduler {scheduler.algorithm!r}.{suggest(scheduler.algorithm, SCHEDULERS)}")
    if search is None:
        return
    if search.algorithm not in ALGORITHMS:
        raise UserError(f"there is no search {search.algorithm!r}.{suggest(search.algorithm, ALGORITHMS)}")
    if scheduler and (scheduler.grace < 1 or scheduler.reduction < 2):
        raise UserError("grace of the scheduler should be at least 1, and reduction at least 2")
    for name, count in {"samples": search.samples, "chosen": 1 if search.chosen is None else search.chosen}.items():
        if count < 1:
            raise UserError(f"{name} of the search is {count}; it should be at least 1")
    _check_objectives(study, search.objectives)
    if any(arm.parent for arm in arms):
        raise UserError("an arm has a parent, and searches start afresh: leave out --search, or the arm's parent")
    ranges = [f"{name} of {a.label!r}" for a in arms for name, d in a.dimensions().items() if isinstance(d, Range)]
    if search.algorithm == "grid" and ranges:
        raise UserError(f"{ranges[0]} is a Range, of which there is no grid. Add --search tpe or random")


def _check_population(study: Study, arms: tuple[Arm, ...]) -> None:
    population = study.population
    if population is None:
        return
    if study.searching:
        raise UserError("a study has a population, or a search or scheduler, not both. Leave out one of them")
    if population.algorithm not in POPULATIONS:
        raise UserError(f"there is no population {population.algorithm!r}.{suggest(population.algorithm, POPULATIONS)}")
    if len(arms) != 1 or arms[0].parent or arms[0].schedule:
        raise UserError("a population has one arm, without parent or schedule; its members are what is compared")
    if not population.mutate or set(arms[0].dimensions()) != set(population.mutate):
        raise UserError("what varies in a population is what it mutates: name it there, and only there")
    if population.size < 2 or population.interval < 1 or not 0 < population.quantile <= 0.5:
        raise UserError("a population needs size >= 2, interval >= 1 and 0 < quantile <= 0.5")
    for name, dimension in population.mutate.items():
        if name in FIXED:
            raise UserError(f"a population cannot mutate {name!r}, which holds for the whole training")
        if isinstance(dimension, Grid) and not all(isinstance(v, int | float) for v in dimension.values):
            raise UserError(f"{name} of the population is a Grid of {dimension.values}; it should be one of numbers")
        if population.algorithm == "pb2" and (isinstance(dimension, Grid) or dimension.whole):
            raise UserError(f"{name} of the population is no Range of real numbers, which pb2 needs")
    _check_objectives(study, (population.objective,))


def _check_objectives(study: Study, objectives: Sequence[str]) -> None:
    measured = ["clean"] if "clean" in study.evaluate else []
    if "corruption" in study.evaluate:
        measured += ["corruption", "corruption_no_noise", *dict.fromkeys(c.family for c in CATALOG.values())]
    for name in objectives:
        if name not in measured:
            raise UserError(f"the study measures no objective {name!r}.{suggest(name, measured)}")


def _try(trial: Trial, where: str) -> None:
    """Builds the methods once: what their arguments must be together is known to their constructor alone."""
    try:
        for params in (trial.params, *(phase["params"] for phase in trial.schedule)):
            options.build(find("method", trial.method), params)
    except ValueError as error:
        raise UserError(f"{trial.method} (from {where}): {error}") from error


def _folders(evaluate: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Returns metric -> option -> hash of the folder it names. Raises UserError where there is no such folder."""
    found: dict[str, dict[str, str]] = {}
    for metric, params in evaluate.items():
        for option, hashed in FOLDERS.items():
            if (name := params.get(option)) is None:
                continue
            if not Path(name).is_dir():
                raise UserError(f"{metric}.{option} is {name!r}, and there is no such folder")
            found.setdefault(metric, {})[option] = hashed(Path(name))
    return found


def _weights(model: str, params: Mapping[str, Any]) -> str | None:
    file = params.get("weights_file")
    if file is None:
        return None
    if not Path(file).is_file():
        raise UserError(f"{model}.weights_file is {file!r}, and there is no such file")
    return file_digest(Path(file))


def data_options(study: Study, values: Values) -> dict[str, Any]:
    """Returns the dataset's checked options. Raises UserError like `resolve`."""
    given = _prefixed("data.", _grids(values))
    where = "--set" if given else "the study"
    return options.check(study.data, find("dataset", study.data), {**study.data_options, **given}, where)


def _grids(values: Values) -> dict[str, Any]:
    gathered: dict[str, list[Any]] = {}
    for key, value in values:
        gathered.setdefault(key, []).append(value)
    return {key: found[0] if len(found) == 1 else Grid(*found) for key, found in gathered.items()}


def _prefixed(prefix: str, grids: Mapping[str, Any]) -> dict[str, Any]:
    found = {k.removeprefix(prefix): v for k, v in grids.items() if k.startswith(prefix)}
    for key, value in found.items():
        if isinstance(value, Grid):
            raise UserError(f"{prefix}{key} is given twice (from --set); one value for the whole study is valid")
    return found


def _check_keys(study: Study, grids: Mapping[str, Any]) -> None:
    """Raises UserError for a key that no arm's method, nor the recipe, takes."""
    methods: list[Arm] = list({arm.method: arm for arm in study.arms}.values())
    per_method = {a.method: options.options_of(find("method", a.method)) for a in methods}
    recipe = options.options_of(Recipe)
    for key in grids:
        if key.startswith(("model.", "data.")) or key in recipe or any(key in known for known in per_method.values()):
            continue
        valid = [*dict.fromkeys(k for known in per_method.values() for k in known), *recipe, "model.*", "data.*"]
        raise UserError(f"{', '.join(per_method)} has no parameter {key!r} (from --set).{suggest(key, valid)}")
