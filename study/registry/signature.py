"""Options of methods, models, datasets and metrics: read from their keyword-only arguments, checked, never coerced."""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from study.errors import UserError
from study.ledger.trial import short
from study.registry.lookup import suggest

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""What a person may write for a number; JSON asks for more digits."""
GIVEN = {"shape", "classes", "root", "device", "download"}
"""Keyword arguments that the platform supplies; they are not options."""


@cache
def options_of(target: Callable[..., Any]) -> dict[str, Any]:
    """Returns name -> default (Parameter.empty for none) of the keyword-only arguments that configure `target`."""
    parameters = inspect.signature(target).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in GIVEN}


def check(owner: str, target: Callable[..., Any], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Returns all options of `target` as plain JSON values: the given ones, checked, and the defaults of the rest.

    owner: what users call it, for messages. where: where the values come from, likewise.
    Raises UserError for an unknown name, a missing value, a wrong type or a value out of range, and for an option
    that has no annotation.
    """
    owner, options = short(owner), options_of(target)
    for name in values:
        if name not in options:
            raise UserError(f"{owner} has no parameter {name!r} (from {where}).{suggest(name, options)}")
    missing = [name for name, default in options.items() if default is inspect.Parameter.empty and name not in values]
    if missing:
        raise UserError(f"{owner} needs a value for {missing[0]!r} (from {where}), which has no default")
    adapters = _adapters(target)
    if untyped := [name for name in options if name not in adapters]:
        raise UserError(f"{owner}.{untyped[0]} has no annotation; write its type, such as `{untyped[0]}: float`")
    merged = {name: values.get(name, default) for name, default in options.items()}
    return {name: _canonical(f"{owner}.{name}", adapters[name], value, where) for name, value in merged.items()}


def build(target: Callable[..., Any], options: Mapping[str, Any], **supplied: Any) -> Any:
    """Calls `target` with checked options (plain values become the annotated types) and what the platform supplies."""
    adapters = _adapters(target)
    return target(**{n: adapters[n].validate_json(json.dumps(v), strict=True) for n, v in options.items()}, **supplied)


def parse(text: str) -> Any:
    """Returns the value that a command line means: JSON where it is JSON, None for `none`, a number such as `.5` or
    `1.`, else the text itself.
    """
    if text.strip().lower() == "none":
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return float(text) if NUMBER.fullmatch(text.strip()) else text


@cache
def _adapters(target: Callable[..., Any]) -> dict[str, TypeAdapter[Any]]:
    function = target.__init__ if inspect.isclass(target) else target
    hints = get_type_hints(function, include_extras=True)
    return {name: TypeAdapter(hints[name]) for name in options_of(target) if name in hints}


def _canonical(name: str, adapter: TypeAdapter[Any], value: Any, where: str) -> Any:
    try:
        plain = json.dumps(to_jsonable_python(value), allow_nan=False)
        return adapter.dump_python(adapter.validate_json(plain, strict=True), mode="json")
    except ValidationError as error:
        wrong = " or ".join(dict.fromkeys(e["msg"].removeprefix("Input should be ") for e in error.errors()))
        raise UserError(f"{name} is {value!r} (from {where}); it should be {wrong}") from error
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{name} is {value!r} (from {where}); it should be a finite number, a text or a list"
        ) from error


def pair(text: str) -> tuple[str, object]:
    """Returns the key and the value of `--set KEY=VALUE`; of `KEY=1,2` the value is the tuple of its numbers.

    Raises UserError for a text that is none.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key:
        raise UserError(f"--set takes KEY=VALUE, got {text!r}. Example: --set sigma=0.5")
    parts = [parse(part) for part in value.split(",")]
    if len(parts) > 1 and all(isinstance(part, int | float) for part in parts):
        return key, tuple(parts)
    return key, parse(value)
