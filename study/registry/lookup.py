"""From a name to the object behind it. The folder is the registry: `<folder>/<name>.py` holds one entry."""

import difflib
import importlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from search_spaces.core.space import Study
from study.errors import UserError

FOLDERS = {
    "method": ("trainers", "METHOD"),
    "study": ("search_spaces", "STUDY"),
    "dataset": ("study.datasets", "DATASET"),
    "model": ("study.models", "MODEL"),
    "metric": ("study.evaluation", "METRIC"),
    "report": ("reports", "REPORT"),
}
"""Kind -> (package, the constant that each of its modules defines)."""


def names(kind: str) -> list[str]:
    """Returns the names of all entries of a kind, sorted."""
    package = importlib.import_module(FOLDERS[kind][0])
    files = (path for folder in package.__path__ for path in Path(folder).glob("*.py"))
    return sorted(path.stem for path in files if _defines(path, kind))


def find(kind: str, name: str) -> Any:
    """Returns the entry `name` of a kind. Raises UserError with the nearest names when there is none."""
    package, constant = FOLDERS[kind]
    if name not in names(kind):
        raise UserError(f"there is no {kind} {name!r}.{suggest(name, names(kind))}")
    return getattr(importlib.import_module(f"{package}.{name}"), constant)


def find_study(name: str) -> tuple[str, Any]:
    """Returns (short name, Study) of a named study, or of a file path/to/my_study.py that defines STUDY."""
    if not name.endswith(".py"):
        return name, find("study", name)
    path = Path(name)
    if not path.is_file():
        raise UserError(f"there is no study file {name!r}. Give a path to a .py file that defines STUDY")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not isinstance(getattr(module, "STUDY", None), Study):
        raise UserError(
            f"{name} defines no STUDY, a search_spaces.core.space.Study. See search_spaces/sigma_sweep.py for the form"
        )
    return path.stem, module.STUDY


def suggest(name: str, valid: Iterable[str]) -> str:
    """Returns " Did you mean 'x'? It takes: ..." for a name that is not valid."""
    valid = list(valid)
    near = difflib.get_close_matches(name, valid, n=1)
    return (f" Did you mean {near[0]!r}?" if near else "") + f" Valid: {', '.join(valid) or 'none'}"


def _defines(file: Path, kind: str) -> bool:
    """Whether the module's source assigns the kind's constant; read as text, so that listing imports nothing."""
    return f"\n{FOLDERS[kind][1]} = " in file.read_text(encoding="utf-8")
