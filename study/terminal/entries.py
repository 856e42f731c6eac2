"""What there is by name: studies, methods, models, datasets, metrics, reports and corruptions, and their parameters."""

import ast
import difflib
import inspect
import json
import types
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from rich.console import Console
from rich.table import Table

from study.errors import UserError
from study.registry.lookup import FOLDERS, find, find_study, names, suggest

KINDS = {
    "studies": "study", "methods": "method", "models": "model", "datasets": "dataset", "metrics": "metric",
    "reports": "report", "corruptions": "corruption",
}  # fmt: skip
"""What `study list` takes -> the kind."""
LIMITS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}", "min_length": "{} or more"}
"""Attribute of a range -> how print says it."""


class Entry(NamedTuple):
    """One name of a kind, and the first line of what its file says."""

    kind: str
    name: str
    about: str


class Parameter(NamedTuple):
    """A parameter: its type with the range in words, and its default; None is "none", and "" where there is none."""

    name: str
    type: str
    default: str


def entries(kind: str) -> list[Entry]:
    """Returns all names of a kind that come with the package; files are read, not imported. corruptions need torch."""
    if kind == "study":
        return [Entry(kind, name, find_study(name)[1].question) for name in names(kind)]
    if kind == "corruption":
        from study.evaluation.corruptions.catalog import CATALOG  # noqa: PLC0415  torch takes seconds

        return [Entry(kind, name, f"of the family {each.family}") for name, each in CATALOG.items()]
    spec = find_spec(FOLDERS[kind][0])
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    files = {name: folder / f"{name}.py" for folder in folders for name in names(kind)}
    return [Entry(kind, name, _first_line(file)) for name, file in files.items()]


def show_list(which: str, console: Console, *, as_json: bool = False) -> None:
    """Prints the names of a kind. Raises UserError for a kind that there is not."""
    if which not in KINDS:
        raise UserError(f"study list: there is no kind {which!r}.{suggest(which, KINDS)}")
    listed = entries(KINDS[which])
    if as_json:
        console.print_json(json.dumps([each._asdict() for each in listed]))
        return
    kind = KINDS[which]
    table = Table(box=None, padding=(0, 2, 0, 0))
    columns = ("Study", "Trials", "Question") if kind == "study" else (kind.capitalize(), "About")
    for column in columns:
        table.add_column(column)
    for each in listed:
        trials = (str(find_study(each.name)[1].trial_count),) if kind == "study" else ()
        table.add_row(each.name, *trials, each.about)
    console.print(table)


def kind_of(text: str) -> tuple[str, str]:
    """Returns the kind and the name that a text means: "gnt", or "metric:adversarial" where several kinds have a name.

    Of several kinds it is the first of KINDS. Raises UserError with the nearest names of all kinds.
    """
    typed, _, rest = text.rpartition(":")
    name = rest if typed in KINDS.values() else text
    wanted = [typed] if typed in KINDS.values() else list(KINDS.values())
    known = [kind for kind in wanted if kind != "corruption" and name in names(kind)]
    if known:
        return known[0], name
    from study.evaluation.corruptions.catalog import CATALOG  # noqa: PLC0415  torch takes seconds

    if name in CATALOG and "corruption" in wanted:
        return "corruption", name
    every = [*(each for kind in KINDS.values() if kind != "corruption" for each in names(kind)), *CATALOG]
    near = difflib.get_close_matches(name, every, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UserError(f"there is nothing called {text!r}.{hint} `study list {'|'.join(KINDS)}` has all names")


def show_entry(kind: str, name: str, console: Console, *, as_json: bool = False) -> None:
    """Prints what a method, model, dataset, metric, report or corruption is, and its parameters."""
    about, parameters = described(kind, name)
    if as_json:
        fields = {"kind": kind, "name": name, "about": about, "parameters": [each._asdict() for each in parameters]}
        console.print_json(json.dumps(fields))
        return
    console.print(f"{name}  ({kind})\n", style="bold")
    console.print(f"{about}\n")
    if not parameters:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("Parameter", "Type and range", "Default"):
        table.add_column(column, overflow="fold")
    for each in parameters:
        table.add_row(*each)
    console.print(table)


def described(kind: str, name: str) -> tuple[str, list[Parameter]]:
    """Returns the docstring of an entry, and its parameters."""
    if kind == "corruption":
        from study.evaluation.corruptions.catalog import CATALOG  # noqa: PLC0415  torch takes seconds

        corruption = CATALOG[name]
        return f"A corruption of the family {corruption.family}, at severities 1 to 5.", []
    target = find(kind, name)
    if kind == "report":
        return f"{target.title}. {inspect.getdoc(target.points) or ''}".strip(), []
    from study.registry.signature import options_of  # noqa: PLC0415  pydantic takes a while

    function = target.__init__ if inspect.isclass(target) else target
    hints = get_type_hints(function, include_extras=True)
    parameters = [
        Parameter(option, _words(hints.get(option)), _default(default))
        for option, default in options_of(target).items()
    ]
    return inspect.getdoc(target) or "", parameters


def study_fields(name: str) -> Mapping[str, Any]:
    """Returns what `study show --json` says of a study."""
    short, study, _ = find_study(name)
    return {
        "kind": "study", "name": short, "question": study.question, "data": study.data, "model": study.model,
        "seeds": study.seeds, "trials": study.trial_count, "metrics": list(study.evaluate),
        "reports": list(study.reports),
        "arms": [{"label": arm.label, "method": arm.method, "space": repr(dict(arm.space))} for arm in study.arms],
    }  # fmt: skip


def _first_line(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8", errors="replace"))) or ""
    return (text.splitlines() or [""])[0]


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    return "none" if value is None else str(value)


def _words(hint: Any) -> str:
    """Returns a type in words: "float, at least 0, at most 10; or several"."""
    return " or ".join(dict.fromkeys(_parts(hint)))


def _parts(hint: Any) -> Iterator[str]:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *limits = get_args(hint)
        words = [_words(inner), *(word for limit in limits for word in _limits(limit))]
        yield ", ".join(words)
    elif origin is types.UnionType or str(origin) == "typing.Union":
        for each in get_args(hint):
            yield from _parts(each)
    elif origin is Literal:
        yield from (str(value) for value in get_args(hint))
    elif origin is tuple:
        inner = [each for each in get_args(hint) if each is not Ellipsis]
        yield f"several of: {_words(inner[0])}" if len(get_args(hint)) != len(inner) else f"{len(inner)} values"
    elif hint is type(None):
        yield "none"
    else:
        yield getattr(hint, "__name__", str(hint))


def _limits(limit: Any) -> Iterator[str]:
    for side, text in LIMITS.items():
        value = getattr(limit, side, None)
        if value is not None:
            yield text.format(value)
