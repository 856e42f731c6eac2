"""A study as JSON and back: what study.json holds of it, so that a directory alone continues."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from search_spaces.core import space
from study.errors import UserError

CLASSES = {name: value for name, value in vars(space).items() if isinstance(value, type) and is_dataclass(value)}
"""What a file may ask for. They are plain data: reading a file that somebody else wrote runs nothing of his."""
KIND = "is"
"""The key that tells what a JSON object stands for; plain dictionaries have none."""


def encode(value: Any) -> Any:
    """Returns a study, or a value of one, as JSON. Tuples stay tuples. Raises TypeError for what is not plain data."""
    if type(value) in CLASSES.values():
        return {KIND: type(value).__name__, **{f.name: encode(getattr(value, f.name)) for f in fields(value)}}
    if isinstance(value, tuple):
        return {KIND: "tuple", "values": [encode(v) for v in value]}
    if isinstance(value, list):
        return [encode(v) for v in value]
    if isinstance(value, Mapping) and all(isinstance(k, str) and k != KIND for k in value):
        return {k: encode(v) for k, v in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is a {type(value).__name__}; a study holds numbers, texts, lists and dictionaries")


def decode(value: Any) -> Any:
    """Returns what `encode` was given. Raises UserError for a file that says anything else."""
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    parts = {k: decode(v) for k, v in value.items() if k != KIND}
    kind = value.get(KIND)
    try:
        if kind is None:
            return parts
        if kind == "tuple":
            return tuple(parts["values"])
        if kind == "Grid":
            return space.Grid(*parts["values"])
        return CLASSES[kind](**parts)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"study.json holds {kind!r} with {sorted(parts)}, which is no part of a study") from error
