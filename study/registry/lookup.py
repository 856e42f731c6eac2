"""From a name to the object behind it. The folder is the registry: `<folder>/<name>.py` holds one entry.

A user's own code has the same place as ours: `adopt` turns a file or module of theirs into a name, see `sources`.
"""

import difflib
import importlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from search_spaces.core.space import Study
from study.errors import UserError
from study.ledger.trial import short
from study.registry import sources

FOLDERS = {
    "method": ("trainers", "METHOD"),
    "study": ("search_spaces", "STUDY"),
    "dataset": ("study.datasets", "DATASET"),
    "model": ("study.models", "MODEL"),
    "metric": ("study.evaluation", "METRIC"),
    "report": ("reports", "REPORT"),
}
"""Kind -> (package, the constant that each of its modules defines)."""


@cache
def names(kind: str) -> tuple[str, ...]:
    """Returns the names of all entries of a kind that come with the package, sorted."""
    package = importlib.import_module(FOLDERS[kind][0])
    files = (path for folder in package.__path__ for path in Path(folder).glob("[!.]*.py"))
    return tuple(sorted(path.stem for path in files if _defines(path, kind)))


def find(kind: str, name: str) -> Any:
    """Returns the entry `name` of a kind. Raises UserError with the nearest names when there is none."""
    return _entry(kind, adopt(kind, name))


@cache
def _entry(kind: str, name: str) -> Any:
    package, constant = FOLDERS[kind]
    if name in names(kind):
        return getattr(importlib.import_module(f"{package}.{name}"), constant)
    return sources.constant(name, constant)


def adopt(kind: str, name: str, beside: Path | None = None) -> str:
    """Returns the name that trials and studies keep: of ours as it is, of a user's file or module with its hash.

    beside: a folder in which a user's code is looked for first. Nothing is imported. Raises UserError with the nearest
    names where there is none.
    """
    if name in names(kind) or "@" in name:
        return name
    if not sources.is_source(name):
        raise UserError(f"there is no {kind} {name!r}.{suggest(name, names(kind))}; or a file, such as my_{kind}.py")
    return sources.locate(name, beside).name


def find_study(name: str) -> tuple[str, Study, Path | None]:
    """Returns (short name, study, folder of its file or None) of a named study, or of a file that defines STUDY.

    Raises UserError where there is none, where the file cannot be imported, or where its STUDY is none.
    """
    if name in names("study") or not sources.is_source(name):
        return name, _study(find("study", name), f"search_spaces/{name}.py"), None
    source = sources.locate(name)
    study = _study(sources.constant(source.name, "STUDY"), source.path)
    return short(source.name), study, source.path.parent


def _study(value: Any, where: Path | str) -> Study:
    """Returns a value that is a study. Raises UserError for another, with the file that defines it."""
    if not isinstance(value, Study):
        raise UserError(
            f"STUDY in {where} is a {type(value).__name__}, not a search_spaces.core.space.Study. "
            "See search_spaces/sigma_sweep.py for the form"
        )
    return value


def suggest(name: str, valid: Iterable[str]) -> str:
    """Returns " Did you mean 'x'? It takes: ..." for a name that is not valid."""
    valid = list(valid)
    near = difflib.get_close_matches(name, valid, n=1)
    return (f" Did you mean {near[0]!r}?" if near else "") + f" Valid: {', '.join(valid) or 'none'}"


def _defines(file: Path, kind: str) -> bool:
    """Whether the module's source assigns the kind's constant; read as text, so that listing imports nothing."""
    return f"\n{FOLDERS[kind][1]} = " in file.read_text(encoding="utf-8", errors="replace")
