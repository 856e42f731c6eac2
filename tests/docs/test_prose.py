"""Docstrings become reStructuredText without a change of their words."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from study.registry.lookup import names

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prose() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_prose", ROOT / "docs" / "_ext" / "prose.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_markup_of_docutils_is_escaped_outside_code(prose: ModuleType) -> None:
    assert prose.escaped("|a|^2 * b_ `c_*`") == r"\|a\|^2 \* b\_ ``c_*``"


def test_lines_that_name_parameters_are_items(prose: ModuleType) -> None:
    text = "Sum.\n\nsigma: noise\n    in pixel units.\nunit: no parameter."
    assert prose.restructured(text, ["sigma"]) == [
        "Sum.",
        "",
        "- **sigma**: noise in pixel units. unit: no parameter.",
        "",
    ]


def test_an_example_and_an_indented_block_stay_as_they_are(prose: ModuleType) -> None:
    lines = prose.restructured("    a * b\n\nExample:\n    method = GNT(sigma=0.5)")
    assert "    a * b" in lines and "    method = GNT(sigma=0.5)" in lines


def test_a_docstring_that_is_empty_is_no_line(prose: ModuleType) -> None:
    assert prose.restructured("\n \n") == []


def test_every_idea_is_of_a_method() -> None:
    ideas = {path.stem for path in (ROOT / "docs" / "ideas").glob("*.md")}
    assert ideas and ideas <= set(names("method"))
