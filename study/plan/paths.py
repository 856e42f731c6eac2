"""Paths that a user types mean the same from wherever the study is resumed: they are made absolute as they are read."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from search_spaces.core.space import Study
from study.plan.options import Options

FILES = ("weights_file", "folder", "classes_from")
"""Options of models and metrics that are paths, by the name after the last dot."""


def absolute(path: Path) -> Path:
    """Returns the path from the root, with the home folder for a `~` at its start."""
    return path.expanduser().absolute()


def of_options(options: Options) -> Options:
    """Returns the options with all paths absolute, also those among --set's values."""
    changes: dict[str, Any] = {
        each.name: absolute(value) for each in fields(options) if isinstance(value := getattr(options, each.name), Path)
    }
    values = tuple((key, _value(key, value)) for key, value in options.values)
    return replace(options, **changes, values=values)


def of_study(study: Study) -> Study:
    """Returns the study with the paths of its metrics absolute."""
    return replace(study, evaluate={name: _all(options) for name, options in study.evaluate.items()})


def _all(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in options.items()}


def _value(name: str, value: Any) -> Any:
    if name.rpartition(".")[2] in FILES and isinstance(value, str):
        return str(absolute(Path(value)))
    return value
