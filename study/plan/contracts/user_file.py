"""Checks what a user's file defines: `study check FILE`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.ledger.trial import short
from study.plan.contracts.core.findings import Entry, Remark, checks, inspected
from study.plan.contracts.core.fresh import one_thread
from study.registry import signature, sources
from study.registry.lookup import FOLDERS, suggest

CONSTANTS = {constant: kind for kind, (_, constant) in FOLDERS.items()}
"""The constant that a file defines -> the kind of what it is."""
CONFIGURED = ("method", "model", "dataset", "metric")
"""Kinds that have options."""


@dataclass(frozen=True)
class Verdict:
    """What the checks of one object say. file, constant: where it stands. name: its own. count: of the checks."""

    file: str
    constant: str
    name: str
    count: int
    wrong: list[str]
    remarks: list[Remark]


def verdicts(text: str, root: Path | None, options: Mapping[str, Any]) -> list[Verdict]:
    """Returns what the checks say of each object that a file, or a module by its dotted name, defines.

    root: folder of a dataset's files. options: name -> value, of whatever takes them. Raises UserError where there is
    no such file, where it cannot be imported or defines nothing to check, and for an option that nothing takes.
    """
    if not sources.is_source(text):
        raise UserError(f"study check takes a .py file or a module by its dotted name, got {text!r}. Try {text}.py")
    source = sources.locate(text)
    module = sources.load(source.name)
    defined = {constant: getattr(module, constant) for constant in CONSTANTS if hasattr(module, constant)}
    if not defined:
        raise UserError(f"{source.path} defines none of {', '.join(CONSTANTS)}, such as METHOD = MyMethod")
    taken = {constant: _taken(CONSTANTS[constant], target, options) for constant, target in defined.items()}
    for name in options:
        if not any(name in each for each in taken.values()):
            valid = [name for constant, target in defined.items() for name in _options(CONSTANTS[constant], target)]
            raise UserError(f"{source.path.name} has no option {name!r} (from --set).{suggest(name, valid)}")
    return [_verdict(source, constant, target, root, taken[constant]) for constant, target in defined.items()]


def _verdict(
    source: sources.Source, constant: str, target: Any, root: Path | None, options: Mapping[str, Any]
) -> Verdict:
    kind = CONSTANTS[constant]
    entry = Entry(short(source.name), target, options, source=source.name, root=root, beside=source.path.parent)
    with one_thread():
        wrong, remarks = inspected(kind, entry)
    return Verdict(source.path.name, constant, getattr(target, "__name__", ""), len(checks(kind)), wrong, remarks)


def _taken(kind: str, target: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those of the options that are an object's."""
    known = _options(kind, target)
    return {name: value for name, value in options.items() if name in known}


def _options(kind: str, target: Any) -> list[str]:
    return list(signature.options_of(target)) if kind in CONFIGURED and callable(target) else []
