"""Code of the user's own: methods, models, datasets, metrics, reports and studies in files and modules of theirs.

Such code is named by its module and the hash of its source, "my_method@1a2b3c4d5e6f": the name is part of a trial's
identity, so that numbers of other code are never taken for its own. The source is the module's file and every file
below the same root that it imports, directly or not. A launch copies it into the study's directory (code/HASH/), and
there every process finds it: workers on other nodes, `study resume`, `study report`.
"""

import ast
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from search_spaces.core.space import Study
from study.errors import UserError

OURS = ("study", "trainers", "search_spaces", "reports")
"""Packages that no module of a user replaces."""
DIGITS = 12
"""Hexadecimal digits of a hash in a name."""


MESSAGE = 300
"""Most characters of an error's own text that a line shows."""


class OwnCodeError(UserError):
    """Code of the user's own raised something that is no UserError."""


@dataclass(frozen=True)
class Source:
    """A module of the user's. module: dotted, below root. files: path below root -> content, of all that it is."""

    module: str
    root: Path
    files: dict[str, bytes]

    @property
    def hash(self) -> str:
        """Returns the first digits of SHA-256 over the files' names and contents."""
        total = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            total.update(f"{name}\0{len(content)}\0".encode() + content)
        return total.hexdigest()[:DIGITS]

    @property
    def name(self) -> str:
        """The name by which the registry and trials know it."""
        return f"{self.module}@{self.hash}"

    @property
    def path(self) -> Path:
        """The module's own file."""
        return self.root / next(iter(self.files))


_sources: dict[str, Source] = {}
"""Name -> source, of all that this process has come to know."""
_imported: dict[str, tuple[Path, bytes]] = {}
"""Module -> the file and the content of which this process has imported it."""
_folders: list[Path] = []
"""Folders of copies, code/ of studies' directories."""


def is_source(name: str) -> bool:
    """Whether a name means code of the user's: a file, a dotted module, or a module with its hash."""
    return name.endswith(".py") or "@" in name or "." in name.strip(".")


def locate(text: str, beside: Path | None = None) -> Source:
    """Returns the source that a path to a .py file, or a dotted module, names.

    beside: a folder in which files and modules are looked for first, such as that of the study that names them; then
    the working directory, and for modules Python's own path. Raises UserError where there is none, or where it does
    not parse.
    """
    folders = [folder.absolute() for folder in (beside, Path()) if folder is not None]
    file = _file(text, folders) if text.endswith(".py") else _module(text, folders)
    root = file.parent
    package: list[str] = []
    while (root / "__init__.py").exists():
        root, package = root.parent, [root.name, *package]
    stem = [] if file.stem == "__init__" else [file.stem]
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in _closure(file, root)}
    source = Source(".".join([*package, *stem]), root, files)
    _sources[source.name] = source
    return source


def named_in(study: Study) -> list[Source]:
    """Returns the sources of all that a study names and that is not ours."""
    names = [arm.method for arm in study.arms] + [study.data, study.model, *study.evaluate, *study.reports]
    return [stored(name) for name in dict.fromkeys(names) if "@" in name]


def use(folder: Path) -> None:
    """Has `load` look for sources in code/ of a study's directory too."""
    if folder not in _folders:
        _folders.append(folder)


def stored(name: str) -> Source:
    """Returns the source of a name with a hash. Raises UserError where neither this process nor a copy has it."""
    if name not in _sources:
        module, _, digits = name.partition("@")
        root = next((folder / digits for folder in _folders if (folder / digits).is_dir()), None)
        if root is None:
            raise UserError(f"the source of {module!r} ({digits}) is not here. Launch the study again with its files")
        files = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.py"))}
        own = f"{module.replace('.', '/')}.py"
        first = own if own in files else f"{module.replace('.', '/')}/__init__.py"
        _sources[name] = Source(module, root, {first: files[first], **files})
    return _sources[name]


@cache
def load(name: str) -> ModuleType:
    """Returns the module of a name with a hash, imported. Raises UserError where its import fails, in one line."""
    source = stored(name)
    for package in OURS:
        importlib.import_module(package)  # before a user's folder stands in front
    if _taken(source.module):
        return _load_apart(source)
    for file, content in source.files.items():
        module = ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__")
        if _taken(module):
            continue
        if _imported.get(module) != (source.root / file, content):
            sys.modules.pop(module, None)  # another user's module, or an earlier version of this one
        _imported[module] = source.root / file, content
    importlib.invalidate_caches()
    with _importing(source):
        return importlib.import_module(source.module)


def _load_apart(source: Source) -> ModuleType:
    """Returns the module of a file that is called as another module is, imported under a name of its own."""
    if "." in source.module:
        package = source.module.partition(".")[0]
        raise UserError(f"{source.path} is in a package called {package}, as another is that this one needs; rename it")
    name = f"own_{source.module}_{source.hash}"
    spec = importlib.util.spec_from_file_location(name, source.path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with _importing(source):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _importing(source: Source) -> Iterator[None]:
    """Has Python look at the source's folder first inside, and last afterwards; an import that fails is one line."""
    sys.path.insert(0, str(source.root))
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001  a user's file may raise anything as it is imported
        raise UserError(f"{source.path} cannot be imported: {_reason(error, [source], source.path)}") from error
    finally:
        sys.path.remove(str(source.root))
        if str(source.root) not in sys.path:
            sys.path.append(str(source.root))  # for imports inside functions


def _taken(module: str) -> bool:
    """Whether a module's first name is that of one of ours, of Python's, or of one that is imported already."""
    first = module.partition(".")[0]
    return first in OURS or first in sys.stdlib_module_names or (first in sys.modules and first not in _firsts())


def _firsts() -> set[str]:
    return {module.partition(".")[0] for module in _imported}


def constant(name: str, kind: str) -> Any:
    """Returns what a source's module defines under a constant's name. Raises UserError where it does not."""
    module = load(name)
    if not hasattr(module, kind):
        raise UserError(f"{stored(name).path} defines no {kind}")
    return getattr(module, kind)


@contextmanager
def one_line(
    what: str, *names: str, ours: tuple[type[Exception], ...] = (), here: Path | None = None
) -> Iterator[None]:
    """Turns whatever a user's code raises inside into an OwnCodeError, which says in one line what it was and where.

    what: precedes the line. names: of what is called, as trials keep them. ours: what becomes a UserError where none of
    the names is the user's own; anything else is then a bug, and passes. here: the file that needs no name.
    """
    own = [stored(name) for name in names if "@" in name]
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001  a user's code may raise anything
        if own:
            raise OwnCodeError(f"{what}{_reason(error, own, here)}") from error
        if isinstance(error, ours):
            raise UserError(f"{what}{error}") from error
        raise


def _file(text: str, folders: list[Path]) -> Path:
    path = Path(text).expanduser()
    places = [path] if path.is_absolute() else [folder / path for folder in folders]
    for place in places:
        if place.is_file():
            return place.resolve()
    raise UserError(f"there is no file {text!r}. Give a path to a .py file, from {' or from '.join(map(str, folders))}")


def _module(text: str, folders: list[Path]) -> Path:
    parts = text.split(".")
    for folder in [*folders, *(Path(entry) for entry in sys.path if entry)]:
        for place in (folder.joinpath(*parts).with_suffix(".py"), folder.joinpath(*parts, "__init__.py")):
            if place.is_file():
                return place.resolve()
    raise UserError(f"there is no module {text!r} here or on Python's path. Give a path to a .py file")


def _closure(file: Path, root: Path) -> list[Path]:
    """Returns a file and all files below root that it imports, itself first."""
    reached, pending = {file: None}, [file]
    while pending:
        for path in _imports(pending.pop(), root):
            if path not in reached:
                reached[path] = None
                pending.append(path)
    return list(reached)


def _imports(file: Path, root: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        raise UserError(f"{file} is no Python: line {error.lineno}: {error.msg}") from error
    package = file.relative_to(root).parent.parts
    for node in ast.walk(tree):
        names: list[list[str]] = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level > len(package):
                raise UserError(
                    f"{file}, line {node.lineno}: a relative import needs a package, and there is no __init__.py "
                    f"beside it. Write `import {node.module or node.names[0].name}`"
                )
            above = list(package[: len(package) - node.level + 1]) if node.level else []
            start = [*above, *(node.module.split(".") if node.module else [])]
            names = [start, *([*start, alias.name] for alias in node.names)]
        for parts in names:
            if parts and parts[0] not in OURS:
                yield from _existing(root, parts)


def _existing(root: Path, parts: list[str]) -> Iterator[Path]:
    """Yields the files that importing a dotted name reads: of its packages, and its own."""
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:depth])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path


def _reason(error: Exception, own: Sequence[Source], here: Path | None = None) -> str:
    """Returns an error in one line, with the line of the user's code where it arose.

    here: the file that needs no name.
    """
    files = {str(source.root / name) for source in own for name in source.files}
    trace, place = error.__traceback__, ""
    while trace is not None:
        if (file := trace.tb_frame.f_code.co_filename) in files:
            place = f"line {trace.tb_lineno}: "
            place = place if Path(file) == here else f"{Path(file).name}, {place}"
        trace = trace.tb_next
    return f"{place}{type(error).__name__}: {' '.join(str(error).split())[:MESSAGE]}"
