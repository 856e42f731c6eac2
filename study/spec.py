"""From a study and what the user overrides to checked trials."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from search_spaces.core.space import Arm, Grid, Study
from study import options
from study.errors import UserError
from study.lookup import find, suggest
from study.overrides import Values
from study.trial import Trial, file_digest
from trainers.core.loop import Recipe


def resolve(study: Study, fingerprint: str, values: Values = ()) -> list[Trial]:
    """Returns the study's trials, seeds slowest, so that a study cut short has whole settings as late as possible.

    fingerprint: of the loaded dataset. values: --set's pairs; "model.x" and "data.x" reach the model's and the
    dataset's options, any other key a method's or the recipe's. Identical trials are merged.
    Raises UserError for anything unknown, of the wrong type or out of range.
    """
    grids = _grids(values)
    _check_keys(study, grids)
    data_params = data_options(study, values)
    model_params = options.check(study.model, find("model", study.model), _prefixed("model.", grids), "--set")
    weights = _weights(study.model, model_params)
    evaluate = {n: options.check(n, find("metric", n), v, "the study") for n, v in study.evaluate.items()}
    trials: dict[str, Trial] = {}
    for seed in range(study.seeds):
        for arm in study.arms:
            method = find("method", arm.method)
            known = {**options.options_of(method), **options.options_of(Recipe)}
            arm_space = {**arm.space, **{k: v for k, v in grids.items() if k in known}}
            for setting in replace(arm, space=arm_space).settings():
                where = "--set" if any(k in grids for k in setting) else f"the arm {arm.label!r}"
                recipe = {k: v for k, v in setting.items() if k in options.options_of(Recipe)}
                params = {k: v for k, v in setting.items() if k not in recipe}
                trial = Trial(
                    arm=arm.label,
                    method=arm.method,
                    params=options.check(arm.method, method, params, where),
                    recipe=options.check("training", Recipe, {**study.recipe, **recipe}, where),
                    data=study.data,
                    data_params=data_params,
                    fingerprint=fingerprint,
                    model=study.model,
                    model_params=model_params,
                    weights=weights,
                    evaluate=evaluate,
                    seed=seed,
                    varied=tuple(k for k, v in arm_space.items() if isinstance(v, Grid)),
                )
                if trial.key not in trials:
                    _try(trial, method, where)
                    trials[trial.key] = trial
    return list(trials.values())


def _try(trial: Trial, method: Any, where: str) -> None:
    """Builds the method once: what its arguments must be together is known to its constructor alone."""
    try:
        options.build(method, trial.params)
    except ValueError as error:
        raise UserError(f"{trial.method} (from {where}): {error}") from error


def _weights(model: str, params: Mapping[str, Any]) -> str | None:
    file = params.get("weights_file")
    if file is None:
        return None
    if not Path(file).is_file():
        raise UserError(f"{model}.weights_file is {file!r}, and there is no such file")
    return file_digest(Path(file))


def data_options(study: Study, values: Values) -> dict[str, Any]:
    """Returns the dataset's checked options. Raises UserError like `resolve`."""
    return options.check(study.data, find("dataset", study.data), _prefixed("data.", _grids(values)), "--set")


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
