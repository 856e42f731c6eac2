"""Pages of all methods, metrics, models, datasets, reports, studies and corruptions, from the registry.

A new file in a folder is a new page: nothing here names one. The words come from docstrings and signatures; what a
docstring cannot hold, an equation as it is printed, stands in docs/ideas/NAME.md, and leads the method's page.
"""

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from prose import escaped, restructured
from sphinx.application import Sphinx

from study.registry.lookup import FOLDERS, find, names
from study.terminal.entries import KINDS, Parameter, described, entries

TITLES = {
    "studies": "Studies", "methods": "Training methods", "models": "Models", "datasets": "Datasets",
    "metrics": "Metrics", "reports": "Reports", "corruptions": "Corruptions",
}  # fmt: skip


def write_pages(app: Sphinx) -> None:
    """Writes reference/KIND/NAME.rst and the index of each kind, where they differ from what is there."""
    root = Path(app.srcdir) / "reference"
    pages: dict[Path, list[str]] = {}
    for plural, kind in KINDS.items():
        listed = entries(kind)
        pages[root / plural / "index.rst"] = _index(plural, [(each.name, each.about) for each in listed])
        if kind != "corruption":
            for each in listed:
                idea = Path(app.srcdir) / "ideas" / f"{each.name}.md"
                pages[root / plural / f"{each.name}.rst"] = _page(kind, each.name, each.about, idea)
    for stale in set(root.glob("*/*.rst")) - set(pages):
        stale.unlink()
    for path, lines in pages.items():
        text = "\n".join(lines) + "\n"
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def _index(plural: str, listed: Sequence[tuple[str, str]]) -> list[str]:
    corruptions = plural == "corruptions"
    shown = [f":doc:`{name}`" if not corruptions else f"``{name}``" for name, _ in listed]
    rows = [(link, escaped(about)) for link, (_, about) in zip(shown, listed, strict=True)]
    lines = [*_title(TITLES[plural]), f"``study list {plural}`` prints this table.", ""]
    lines += _table(("Name", "About"), rows, widths="25 75")
    toctree = [".. toctree::", "   :hidden:", "", *(f"   {name}" for name, _ in listed), ""]
    return lines if corruptions else lines + toctree


def _page(kind: str, name: str, about: str, idea: Path) -> list[str]:
    if kind == "study":
        return _study(name)
    text, parameters = described(kind, name)
    lines = [*_title(name), escaped(about), ""]
    if kind == "method" and idea.exists():
        lines += [f".. include:: ../../ideas/{name}.md", "   :parser: myst_parser.sphinx_", ""]
    options = [each.name for each in parameters]
    lines += [*_heading("What it is"), *restructured(text, options)]
    if parameters:
        lines += [*_heading("Parameters"), *_parameters(parameters)]
    lines += [f"``study show {kind}:{name}`` prints this in a terminal.", ""]
    if kind == "method":
        lines += _used(name)
    return [*lines, *_heading("Source code"), f"``{FOLDERS[kind][0].replace('.', '/')}/{name}.py``"]


def _used(name: str) -> list[str]:
    """Returns which studies say when a method helps, and how its cost is measured."""
    studies = [study for study in names("study") if any(arm.method == name for arm in find("study", study).arms)]
    lines = _heading("When it helps")
    if not studies:
        return [*lines, "No study of the package compares it yet. Name it in an arm of a study of your own.", ""]
    lines += ["That depends on the data and the model. These studies compare it with others:", ""]
    rows = [(f":doc:`../studies/{study}`", escaped(find("study", study).question)) for study in studies]
    lines += _table(("Study", "Question"), rows, widths="30 70")
    return lines


def _study(name: str) -> list[str]:
    study = find("study", name)
    arms = [
        (escaped(arm.label), f":doc:`../methods/{arm.method}`", ", ".join(_value(k, v) for k, v in arm.space.items()))
        for arm in study.arms
    ]
    facts = [
        ("Data", f":doc:`../datasets/{study.data}`"),
        ("Model", f":doc:`../models/{study.model}`"),
        ("Seeds", str(study.seeds)),
        ("Trials", str(study.trial_count)),
        ("Metrics", _links("metrics", study.evaluate)),
        ("Reports", _links("reports", study.reports)),
    ]
    command = [".. code-block:: text", "", f"   study launch {name}", ""]
    return [
        *_title(name), escaped(study.question), "", *command,
        *_table(("What", "Value"), facts, widths="20 80"), *_heading("Arms"),
        *_table(("Label", "Method", "Values"), arms, widths="25 20 55"),
    ]  # fmt: skip


def _value(name: str, value: Any) -> str:
    values = getattr(value, "values", None)
    shown = ", ".join(map(str, values)) if isinstance(values, tuple) else str(value)
    return escaped(f"{name}: {shown}")


def _links(plural: str, listed: Iterable[str]) -> str:
    return ", ".join(f":doc:`../{plural}/{each}`" for each in listed) or "none"


def _parameters(parameters: Sequence[Parameter]) -> list[str]:
    rows = [
        (f"``{each.name}``", escaped(each.type), f"``{each.default}``" if each.default else "") for each in parameters
    ]
    return _table(("Name", "Type and range", "Default"), rows, widths="20 50 30")


def _title(text: str) -> list[str]:
    return [escaped(text), "=" * (len(escaped(text)) + 1), ""]


def _heading(text: str) -> list[str]:
    return [text, "-" * len(text), ""]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: str) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in [head, *rows]:
        lines += [f"   {'* -' if i == 0 else '  -'} {' '.join(cell.split())}" for i, cell in enumerate(row)]
    return [*lines, ""]


def docstring(app: Sphinx, what: str, name: str, target: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    """Makes reStructuredText of a docstring that autodoc shows."""
    function = target.__init__ if inspect.isclass(target) else target
    code = getattr(function, "__code__", None)
    own = [*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]] if code else []
    lines[:] = restructured("\n".join(lines), own)


def setup(app: Sphinx) -> dict[str, bool]:
    """Writes the pages before Sphinx looks for them."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
