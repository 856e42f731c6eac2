"""The command line's options: those of a launch made from their declarations, and those that several commands share."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import MISSING, Field
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer
from rich.console import Console

from study.plan.options import Declaration, Options, declarations, flag
from study.registry.lookup import names
from study.registry.signature import pair

console = Console(
    highlight=False, markup=False, emoji=False, width=None if sys.stdout is not None and sys.stdout.isatty() else 120
)


def completed(start: str) -> list[str]:
    """Returns the studies whose names begin so, for the shell's completion."""
    return [name for name in names("study") if name.startswith(start)]


StudyName = Annotated[
    str,
    typer.Argument(
        autocompletion=completed, help="A name from `study list`, or a path to a .py file that defines STUDY."
    ),
]
Directory = Annotated[Path, typer.Argument(help="The directory of a study, as `study launch` named it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and list the trials; start nothing.")]
EXAMPLES = """Examples

- `study launch sigma_sweep --seeds 5 --set GNT.sigma=0.1,0.5`
- `study launch noisymix_levels --search tpe --samples 30 --max-concurrent 4`
- `study launch sigma_sweep --until-sure --within 1 --max-seeds 8`
- `study launch my_study.py --data my_images --data-root ~/images --gpus-per-trial 0.25 --dry-run`
"""
DataRoot = Annotated[Path | None, typer.Option(help="Folder that holds the dataset's files.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set an option of the dataset, the model or a metric."),
]
Benchmark = Annotated[str | None, typer.Option(help="common, extra, mnist or all; by the images if not given.")]


def assigned(texts: list[str] | None) -> dict[str, Any]:
    """Returns the values of `--set KEY=VALUE`."""
    return dict(pair(text) for text in texts or ())


def with_options(
    command: Callable[..., None], options: type[Options] = Options, *, resumable: bool = False
) -> Callable[..., None]:
    """Returns the command with every option of a launch on its command line, read from the declarations.

    command: takes its own arguments and `changes`: name -> value of the options that were typed.
    resumable: only those that `study resume` takes.
    """
    hints = get_type_hints(options)
    declared = {each.name: (each, how) for each, how in declarations(options, resumable=resumable)}

    def run(**arguments: Any) -> None:
        own = {name: value for name, value in arguments.items() if name not in declared}
        typed = {name: value for name, value in arguments.items() if name in declared and value not in (None, [])}
        command(**own, changes={name: _value(declared[name][1], value) for name, value in typed.items()})

    own = [p for p in inspect.signature(command).parameters.values() if p.name != "changes"]
    added = [_parameter(each, how, hints[each.name]) for each, how in declared.values()]
    first = [p for p in own if p.default is inspect.Parameter.empty]
    run.__signature__ = inspect.Signature([*first, *added, *(p for p in own if p not in first)])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in [*own, *added]}
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    return run


def _parameter(each: Field[Any], how: Declaration, hint: Any) -> inspect.Parameter:
    """Returns an option as typer reads it. What is not typed is None, so that a launch's own choice can stay."""
    plain = next((kind for kind in get_args(hint) if kind is not type(None)), hint)
    kind = str if how.parse is not None else plain
    details: dict[str, Any] = {"help": _help(each, how), "rich_help_panel": how.panel}
    details["metavar"] = "|".join(how.choices) or how.metavar or {int: "N", float: "NUMBER"}.get(kind)
    if kind in (int, float):
        details |= {"min": how.least}  # `Options` checks the rest, and says why
    names = [flag(each)]
    annotation = Annotated[(list[kind] if how.several else kind) | None, typer.Option(*names, **details)]  # type: ignore[valid-type]
    if kind is bool:
        annotation = Annotated[bool | None, typer.Option(*names, **details)]
    return inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _help(each: Field[Any], how: Declaration) -> str:
    if each.default in (MISSING, None, False, ()):
        return how.help
    return f"{how.help.removesuffix('.')}; {each.default:g} if not given."


def _value(how: Declaration, typed: Any) -> Any:
    """Returns an option's value, of what was typed."""
    if how.parse is None:
        return typed
    return tuple(how.parse(text) for text in typed) if how.several else how.parse(typed)
