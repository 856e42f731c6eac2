"""What the checks of all kinds share: the object to check, a check, and what it finds.

A contract is what the platform relies on in every method, model, dataset, metric, report and study, whoever wrote it.
Each module of `study.plan.contracts` holds the checks of one kind, in CHECKS; the first of them is about the object's
form, and without it the others say nothing. `study check FILE` runs them on a user's file, tests/contracts on ours.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.evaluation.rows import Row
from study.ledger.trial import Trial
from study.registry import signature, sources

MODULES = {
    "method": "methods", "model": "models", "dataset": "datasets", "metric": "metrics", "report": "reports",
    "study": "studies",
}  # fmt: skip
"""Kind -> the module of its checks."""
Remark = str
"""What a check could not look at, and why; it is no violation."""


class ContractError(UserError):
    """An object breaks its contract: what is wrong, what was seen and what is right, in one line."""


@dataclass(frozen=True)
class Entry:
    """An object to check, and what its checks need to know beside it."""

    name: str
    """What messages call it."""
    target: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of a method, model, dataset or metric: the options that differ from their defaults."""
    source: str | None = None
    """Of a user's own code: its name with the hash, so that an error says on which line of theirs it arose."""
    root: Path | None = None
    """Of a dataset, or a study's: the folder of its files."""
    beside: Path | None = None
    """Of a study: the folder in which the files that it names are looked for first."""
    trials: Sequence[Trial] = ()
    """Of a report: trials that it reports; those of studies that come with the package if there are none."""
    measured: Sequence[Row] = ()
    """Of a report: rows that metrics of the user's own return, which its table is to have."""
    repeats: bool = True
    """Of a metric: whether its values are the same twice; those that time the machine are not."""

    def build(self, **supplied: Any) -> Any:
        """Calls the object with its options and with what the platform supplies, as a trial does."""
        checked = signature.check(self.name, self.target, self.options, "--set")
        return signature.build(self.target, checked, **supplied)

    def changed(self, **options: Any) -> "Entry":
        """Returns the entry with other options."""
        return replace(self, options={**self.options, **options})


Check = Callable[[Entry], Remark | None]
"""Raises ContractError where the object breaks its contract."""


def require(right: bool, message: str) -> None:
    """Raises ContractError with the message unless all is right."""
    if not right:
        raise ContractError(message)


def require_type(value: Any, kind: type, what: str, right: str) -> None:
    """Raises ContractError where a value is of another type. what, right: the beginning and the end of what it says."""
    require(isinstance(value, kind), f"{what} of type {type(value).__name__}; {right} is right")


def checks(kind: str) -> dict[str, Check]:
    """Returns name -> check of a kind ("method", ...), in order. Imported only here: reports need matplotlib."""
    listed: dict[str, Check] = importlib.import_module(f"study.plan.contracts.{MODULES[kind]}").CHECKS
    return listed


def named(*functions: Check) -> dict[str, Check]:
    """Returns the checks by their names."""
    return {function.__name__: function for function in functions}


def inspected(kind: str, entry: Entry) -> tuple[list[str], list[Remark]]:
    """Returns what an object's checks find wrong, and what they remark; nothing of both: it keeps its contract.

    A fault that several checks meet is said once. An object of another form than its kind's gets no further checks.
    """
    own = [entry.source] if entry.source else []
    wrong: dict[str, None] = {}
    remarks: dict[str, None] = {}
    for place, check in enumerate(checks(kind).values()):
        try:
            with sources.one_line("", *own, here=sources.stored(own[0]).path if own else None):
                remark = check(entry)
        except UserError as error:
            wrong[str(error)] = None
            if place == 0:
                break
        else:
            remarks |= {} if remark is None else {remark: None}
    return list(wrong), list(remarks)
