"""What `--set` changes: which arms a value reaches, and what is said of it.

A key that an arm sweeps reaches the arms that sweep it and no others, so that the rest of the comparison stays. One
that no arm sweeps reaches every arm whose method takes it. `ARM.KEY`, with the label of an arm, reaches that arm alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from search_spaces.core.space import Arm, Grid, Study
from study.errors import UserError
from study.ledger.trial import short
from study.plan.options import Values
from study.registry import signature
from study.registry.lookup import find, suggest
from trainers.core.recipe import Recipe

VANILLA = "standard"
"""The method of the base of a comparison; without it, the base is the setting with a value of 0."""
OWNERS = ("model.", "data.")
"""Prefixes of keys that are no method's."""


@dataclass(frozen=True)
class Assignment:
    """A key of `--set` with its value, or a `Grid` of its values; label: of the arm that it is for, None for any."""

    key: str
    value: Any
    label: str | None = None


def assignments(study: Study, values: Values) -> list[Assignment]:
    """Returns --set's pairs, those of one key together. Raises UserError for a key that nothing takes."""
    gathered: dict[str, list[Any]] = {}
    for key, value in values:
        gathered.setdefault(key, []).extend(value if isinstance(value, tuple) else [value])
    listed = []
    for typed, several in gathered.items():
        label, key = _target(study, typed)
        _check(study, label, key)
        listed.append(Assignment(key, several[0] if len(several) == 1 else Grid(*several), label))
    return listed


def of_owner(prefix: str, listed: Iterable[Assignment]) -> dict[str, Any]:
    """Returns the values of keys with a prefix, without it. Raises UserError where one has several values."""
    own = {each.key.removeprefix(prefix): each.value for each in listed if each.key.startswith(prefix)}
    for key, value in own.items():
        if isinstance(value, Grid):
            raise UserError(f"{prefix}{key} has {len(value.values)} values (from --set); a study has one, so give one")
    return own


def assigned(study: Study, listed: Iterable[Assignment]) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Returns the study's arms with the values in them, and a sentence for each key that leaves arms as they were."""
    arms, said = {arm.label: arm for arm in study.arms}, []
    for each in listed:
        if each.key.startswith(OWNERS):
            continue
        able = [arm for arm in arms.values() if each.key in _options(arm.method)]
        sweeping = [arm for arm in able if each.key in arm.dimensions()]
        if each.label is not None:
            reached, value = [arms[each.label]], each.value
        else:
            reached = sweeping or able
            value = _with_base(study, sweeping, each)
        for arm in reached:
            arms[arm.label] = replace(arm, space={**arm.space, each.key: value})
        if sweeping and each.label is None:
            said.append(_sentence(each.key, value, value is not each.value, sweeping, able))
    return tuple(arms.values()), tuple(said)


def _target(study: Study, typed: str) -> tuple[str | None, str]:
    """Returns the label of the arm that a key names, None for any, and the key itself."""
    for arm in sorted(study.arms, key=lambda arm: -len(arm.label)):
        head, key = typed[: len(arm.label)], typed[len(arm.label) + 1 :]
        if head.casefold() == arm.label.casefold() and typed[len(arm.label) : len(arm.label) + 1] == "." and key:
            return arm.label, key
    return None, typed


def _options(method: str) -> set[str]:
    return {*signature.options_of(find("method", method)), *signature.options_of(Recipe)}


def _check(study: Study, label: str | None, key: str) -> None:
    """Raises UserError for a key that no method of the arms, nor the recipe, takes."""
    if label is None and key.startswith(OWNERS):
        return
    methods = list(dict.fromkeys(arm.method for arm in study.arms if label in (None, arm.label)))
    valid = dict.fromkeys(k for method in methods for k in signature.options_of(find("method", method)))
    recipe = signature.options_of(Recipe)
    if key not in valid and key not in recipe:
        names = [*valid, *recipe, *(() if label else ("model.*", "data.*"))]
        raise UserError(f"{', '.join(map(short, methods))} has no parameter {key!r} (from --set).{suggest(key, names)}")


def _with_base(study: Study, sweeping: list[Arm], each: Assignment) -> Any:
    """Returns the value, with the 0 of the grid that it replaces where that is the base of the comparison."""
    if any(arm.method == VANILLA for arm in study.arms) or len(sweeping) != 1:
        return each.value
    grid = sweeping[0].dimensions()[each.key]
    values = each.value.values if isinstance(each.value, Grid) else (each.value,)
    zeros = [v for v in grid.values if _is_zero(v)] if isinstance(grid, Grid) else []
    if not zeros or any(_is_zero(v) for v in values):
        return each.value
    return Grid(zeros[0], *values)


def _is_zero(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _sentence(key: str, value: Any, base: bool, sweeping: list[Arm], able: list[Arm]) -> str:
    """Returns what a value does to the arms that sweep its key, and which arms it leaves alone."""
    values = value.values if isinstance(value, Grid) else (value,)
    listed = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)
    sentence = f"--set {key}: {_and(sweeping)} {'tries' if len(sweeping) == 1 else 'try'} {listed}"
    sentence += " (0 stays: it is what the others are compared with)" if base else ""
    rest = [arm for arm in able if arm not in sweeping]
    if rest:
        verb = "keeps its own" if len(rest) == 1 else "keep their own"
        sentence += f"; {_and(rest)} {verb} (to change one arm: --set {_quoted(rest[0].label, key)}=...)"
    return sentence + "."


def _and(arms: list[Arm]) -> str:
    labels = [arm.label for arm in arms]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _quoted(label: str, key: str) -> str:
    return f"{label}.{key}" if label.isidentifier() else f"'{label}'.{key}"
