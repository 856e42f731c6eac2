"""From a study and what the user overrides to checked trials."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from search_spaces.core.space import Arm, Population, Range, Study
from study.errors import UserError
from study.ledger.trial import Trial, digest, file_digest, folder_digest, names_digest, short
from study.plan.assignments import assigned, assignments, of_owner
from study.plan.checks import FIXED, check_population, check_search
from study.plan.options import Values
from study.registry import signature, sources
from study.registry.lookup import find
from trainers.core.recipe import Recipe

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
    settings: dict[str, Trial] = {}
    for arm in space.arms:
        for setting in arm.settings():
            trial = space.trial(arm, setting, 0)
            settings.setdefault(trial.key, trial)
    _check_labels(list(settings.values()))
    return [trial.with_seed(seed) for seed in range(study.seeds) for trial in settings.values()]


def _check_labels(settings: list[Trial]) -> None:
    """Raises UserError where two settings would be one in every table, since they are called alike."""
    labels: dict[str, Trial] = {}
    for trial in settings:
        other = labels.setdefault(trial.label, trial)
        if other is trial:
            continue
        values = [(name, other.values_at(0)[name], trial.values_at(0)[name]) for name in trial.varied]
        differing = [f"{name} is {one!r} and {two!r}" for name, one, two in values if one != two]
        why = f"{' and '.join(differing)}, which print alike" if differing else "give the arms labels of their own"
        raise UserError(f"two settings are called {trial.label!r}: {why}")


class Space:
    """Every setting that a study can try, checked: its arms with --set's values worked in, and their trials."""

    def __init__(self, study: Study, fingerprint: str, values: Values = ()) -> None:
        listed = assignments(study, values)
        self.study, self.fingerprint, self.set = study, fingerprint, {each.key for each in listed}
        self.data_params = data_options(study, values)
        self.model_params = signature.check(
            study.model, find("model", study.model), of_owner("model.", listed), "--set"
        )
        self.weights = _weights(study.model, self.model_params)
        self.evaluate = {n: signature.check(n, find("metric", n), v, "the study") for n, v in study.evaluate.items()}
        self.folders = _folders(self.evaluate)
        self.arms, self.said = assigned(study, listed)
        if study.population:
            if fixed := [name for name in study.population.mutate if name.partition(".")[0] in self.set]:
                raise UserError(f"the population mutates {fixed[0]!r}, which --set cannot fix")
            self.arms = tuple(_mutating(arm, study.population) for arm in self.arms)
        self._tried: set[str] = set()

    def trial(self, arm: Arm, setting: Mapping[str, Any], seed: int) -> Trial:
        """Returns the trial of an arm's setting. Raises UserError where it is wrong."""
        where = "--set" if any(k in self.set for k in setting) else f"the arm {arm.label!r}"
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
        recipe = {k: v for k, v in setting.items() if k in signature.options_of(Recipe)}
        params = {k: v for k, v in setting.items() if k not in recipe}
        return (
            signature.check(arm.method, find("method", arm.method), params, where),
            signature.check("training", Recipe, {**self.study.recipe, **recipe}, where),
        )

    def _schedule(self, arm: Arm, setting: Mapping[str, Any], epochs: int) -> tuple[Mapping[str, Any], ...]:
        """Returns the arm's phases; each changes the one before. --set's values hold in all of them."""
        where, last, phases = f"the schedule of the arm {arm.label!r}", 0, []
        for epoch, values in arm.schedule:
            if not last < epoch < epochs:
                raise UserError(f"{where} has a phase after {epoch} epochs; it should be between {last} and {epochs}")
            if fixed := [name for name in values if name in FIXED]:
                raise UserError(f"{where} changes {fixed[0]!r}, which holds for the whole training")
            setting = {**setting, **{k: v for k, v in values.items() if k not in self.set}}
            params, recipe = self._split(arm, setting, where)
            phases.append({"epoch": epoch, "params": params, "recipe": recipe})
            last = epoch
        return tuple(phases)

    def trials(self, arm: Arm, chosen: Mapping[str, Any]) -> list[Trial]:
        """Returns the trials of one candidate, one a seed: a value is chosen for every dimension of the arm."""
        first = self.trial(arm, arm.setting(chosen), 0)
        return [first.with_seed(seed) for seed in range(self.study.seeds)]

    def check(self) -> None:
        """Raises UserError where an end of a range or a value of a grid is wrong, or how they are searched."""
        check_search(self.study, self.arms)
        check_population(self.study, self.arms)
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
        numbers = []
        for arm in self.arms:
            dimension = arm.dimensions().get("epochs")
            if dimension is None:
                numbers.append(self.first(arm).recipe["epochs"])
            else:
                numbers += [dimension.high] if isinstance(dimension, Range) else dimension.values
        return int(max(numbers))

    def first(self, arm: Arm) -> Trial:
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
            arms.append([arm.label, described, self.first(arm).key])
        others = [asdict(d) for d in (self.study.scheduler, self.study.population) if d is not None]
        return digest([name, arms, self.study.seeds, search, others])


def _mutating(arm: Arm, population: Population) -> Arm:
    """Returns the arm with what mutates in place of what it had."""
    space = dict(arm.space)
    for name, dimension in population.mutate.items():
        head, _, field = name.partition(".")
        space[head] = {**space.get(head, {}), field: dimension} if field else dimension
    return replace(arm, space=space)


def _try(trial: Trial, where: str) -> None:
    """Builds the methods once: what their arguments must be together is known to their constructor alone."""
    with sources.one_line(f"{short(trial.method)} (from {where}): ", trial.method, ours=(ValueError, TypeError)):
        for params in (trial.params, *(phase["params"] for phase in trial.schedule)):
            signature.build(find("method", trial.method), params)


def _folders(evaluate: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Returns metric -> option -> hash of the folder it names. Raises UserError where there is no such folder."""
    hashes: dict[str, dict[str, str]] = {}
    for metric, params in evaluate.items():
        for option, hashed in FOLDERS.items():
            if (name := params.get(option)) is None:
                continue
            if not Path(name).is_dir():
                raise UserError(f"{metric}.{option} is {name!r}, and there is no such folder")
            hashes.setdefault(metric, {})[option] = hashed(Path(name))
    return hashes


def _weights(model: str, params: Mapping[str, Any]) -> str | None:
    file = params.get("weights_file")
    if file is None:
        return None
    if not Path(file).is_file():
        raise UserError(f"{model}.weights_file is {file!r}, and there is no such file")
    return file_digest(Path(file))


def data_options(study: Study, values: Values) -> dict[str, Any]:
    """Returns the dataset's checked options. Raises UserError like `resolve`."""
    options = of_owner("data.", assignments(study, values))
    where = "--set" if options else "the study"
    return signature.check(study.data, find("dataset", study.data), {**study.data_options, **options}, where)
