"""What tells a study's settings apart: its components, their levels, and settings that differ in some alone."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import pandas as pd

OFF, ON, ABSENT = "off", "on", "-"
"""Levels: None or false; the one other value of what can be off; a parameter that the setting's method lacks."""
ROW = {
    *("study", "trial", "config", "arm", "label", "varied", "seed", "benchmark", "family", "corruption"),
    *("severity", "epoch", "metric", "value", "headline"),
}
"""Columns of tidy rows that say nothing of the setting's parameters."""


class Contrast(NamedTuple):
    """Pairs of settings (without, with) that differ in one component alone, by the same two levels."""

    component: str
    low: str
    high: str
    pairs: list[tuple[str, str]]


class Square(NamedTuple):
    """Quadruples of settings (neither, first, second, both) that differ in two components alone."""

    first: Contrast
    second: Contrast
    corners: list[tuple[str, str, str, str]]


def components(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting (index: config) and one column for each component, its levels as text.

    A component is a parameter (or the method, data or model) to which at least two settings give different values. A
    level is OFF, ON, ABSENT, or the value as text; dictionaries that are never off are taken apart, a component
    for each field. Where settings are still alike the arm is a component too.
    """
    values = table.drop_duplicates("config").set_index("config")
    arms, values = values["arm"], values.drop(columns=[c for c in values if c in ROW])
    levels = {}
    for name in values:
        for part, column in _parts(name, values[name]):
            if column.dropna().nunique() > 1:
                levels[part] = _levels(column)
    frame = pd.DataFrame(levels, index=values.index)
    if not frame.shape[1] or frame.duplicated().any():
        frame = frame if arms.nunique() < 2 else frame.assign(arm=arms)
    return frame


def in_print(name: str) -> str:
    """Returns a component's name, or an effect's, as print shows it: "noise.sparse" is "noise sparse"."""
    return re.sub(r"(?<=[a-z_])\.(?=[a-z_])", " ", name).replace("_", " ")


def value_in_print(value: Any) -> str:
    """Returns a parameter's value as labels have it: 6 digits of a float, "mean 0 std 0.1" of a dictionary."""
    if isinstance(value, dict):
        return " ".join(f"{name} {value_in_print(field)}" for name, field in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def off_levels(found: pd.DataFrame) -> dict[str, set[str]]:
    """Returns, for each component that some setting has off, the levels that count as off."""
    return {name: {OFF, ABSENT} for name in found if (found[name] == OFF).any()}


def bases(found: pd.DataFrame) -> dict[str, str]:
    """Returns config -> config of the setting to compare it with, for those that have one.

    The base has everything off that can be off. Of several, each setting's is the one that equals it in all else; with
    nothing that can be off there is none.
    """
    switches = off_levels(found)
    if not switches:
        return {}
    base = found[pd.concat([found[name].isin(off) for name, off in switches.items()], axis=1).all(axis=1)]
    if len(base) == 1:
        return dict.fromkeys(found.index, base.index[0])
    rest = [name for name in found if name not in switches]
    by_rest = {key: config for config, key in _keys(base, rest) if (base[rest] == list(key)).all(axis=1).sum() == 1}
    return {config: by_rest[key] for config, key in _keys(found, rest) if key in by_rest}


def contrasts(found: pd.DataFrame) -> list[Contrast]:
    """Returns for each component every level against its first (off, else the smallest), where such pairs exist."""
    contrasts = []
    for name in found:
        known = _by_level(found, [name])
        first, *others = _ordered(found[name])
        for level in others:
            pairs = [(at[(first,)], at[(level,)]) for at in known if (first,) in at and (level,) in at]
            contrasts += [Contrast(name, first, level, pairs)] if pairs else []
    return contrasts


def squares(found: pd.DataFrame) -> Iterator[Square]:
    """Yields for each two contrasts of different components their quadruples, where all four settings exist."""
    for a, b in combinations(contrasts(found), 2):
        if a.component == b.component:
            continue
        wanted = [(x, y) for y in (b.low, b.high) for x in (a.low, a.high)]
        known = _by_level(found, [a.component, b.component])
        corners = [tuple(at[key] for key in wanted) for at in known if all(key in at for key in wanted)]
        if corners:
            yield Square(a, b, corners)  # type: ignore[arg-type]


def _by_level(found: pd.DataFrame, names: list[str]) -> list[dict[tuple[str, ...], str]]:
    """Returns groups of settings alike in all but `names`, each as levels of `names` -> config; twins are left out."""
    single = found[~found.duplicated(keep=False)]
    groups: dict[tuple[str, ...], dict[tuple[str, ...], str]] = {}
    rest = _keys(single, [name for name in found if name not in names])
    for (config, key), (_, here) in zip(rest, _keys(single, names), strict=True):
        groups.setdefault(key, {})[here] = config
    return list(groups.values())


def _keys(found: pd.DataFrame, names: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    return [(config, tuple(row)) for config, row in zip(found.index, found[names].to_numpy().tolist(), strict=True)]


def _parts(name: str, column: "pd.Series[Any]") -> Iterator[tuple[str, "pd.Series[Any]"]]:
    """Yields a parameter's column; one for each field where all its values are dictionaries of the same fields."""
    texts = column.map(_text)
    objects = [json.loads(text) for text in texts.dropna().unique() if text.startswith("{")]
    if len(objects) == texts.dropna().nunique() and len({tuple(o) for o in objects}) == 1:
        for field in objects[0]:
            yield f"{name}.{field}", texts.map(lambda t, f=field: _text(_cell(json.loads(t)[f])), na_action="ignore")
    else:
        yield name, texts


def _levels(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Returns the levels of a parameter whose values are JSON texts."""
    present = list(texts.dropna().unique())
    others = [text for text in present if text not in ("null", "false")]
    names = {"null": OFF, "false": OFF}
    if len(others) == 1 and len(present) > 1:
        names[others[0]] = ON
    else:
        names |= dict(zip(others, _short(others), strict=True))
    return texts.map(names).fillna(ABSENT)


def _short(texts: list[str]) -> list[str]:
    """Returns JSON texts as print shows them, of dictionaries only the fields in which they differ."""
    values: list[Any] = [json.loads(t) if t[:1] in '{["' else t for t in texts]
    if all(isinstance(v, dict) for v in values):
        fields = [f for f in values[0] if len({json.dumps(v.get(f)) for v in values}) > 1]
        values = [", ".join(f"{f} {v.get(f)}" for f in fields) for v in values]
    values = [", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in values]
    return values if len(set(values)) == len(values) and all(values) else texts


def _ordered(levels: "pd.Series[Any]") -> list[str]:
    """Returns the levels that occur: off first, then numbers by size, then text."""

    def rank(level: str) -> tuple[int, float, str]:
        try:
            return 1, float(level), ""
        except ValueError:
            return (0 if level == OFF else 2), 0.0, level

    return sorted(set(levels) - {ABSENT}, key=rank)


def _text(value: Any) -> Any:
    """Returns a parameter's value as JSON text; a missing one stays missing."""
    if isinstance(value, str) or pd.isna(value):
        return value
    return f"{value:.12g}"


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else json.dumps(value)
