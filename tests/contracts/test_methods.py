"""Every method of trainers/ keeps the contract, so that a new one is tested unasked; the checks ship in the package."""

import inspect
import textwrap
from typing import Any

import pytest

from study.plan.contracts.core.findings import Entry
from study.plan.contracts.methods import CHECKS
from study.registry.lookup import find, names

NAMES = names("method")
CHEAP: dict[str, dict[str, Any]] = {"ant": {"restart_steps": 4}}
"""Settings that only cost time at their defaults."""


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str, check: str) -> None:
    assert CHECKS[check](Entry(name, find("method", name), CHEAP.get(name, {}))) is None


@pytest.mark.parametrize("name", NAMES)
def test_it_has_an_example_of_use(name: str) -> None:
    """Three lines of the docstring, indented, which the check `example` runs."""
    documented = inspect.getdoc(find("method", name)) or ""
    example = textwrap.dedent(documented.partition("Example:\n")[2])
    assert len(example.strip().splitlines()) == 3, documented


def test_there_are_methods() -> None:
    assert {"standard", "gnt", "ant", "noisymix"} <= set(NAMES)
