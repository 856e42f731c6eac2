"""Every contract check catches what it is there for, in one line that says what is right."""

from pathlib import Path
from typing import Any

import pytest

from study.errors import UserError
from study.plan.contracts.core.findings import Entry, checks, inspected
from study.plan.contracts.made_up import trials
from study.registry import sources
from study.registry.lookup import FOLDERS
from tests.contracts import wrong_methods, wrong_others

CASES = [("method", *case) for case in wrong_methods.WRONG] + wrong_others.WRONG


def test_every_check_of_every_kind_is_here() -> None:
    assert {(kind, check) for kind, check, _, _ in CASES} == {(kind, c) for kind in FOLDERS for c in checks(kind)}


@pytest.mark.parametrize(("kind", "check", "target", "said"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_it_catches_what_is_wrong(kind: str, check: str, target: Any, said: str) -> None:
    some = trials("sigma_sweep", seeds=2)[:8] if kind == "report" else ()
    with pytest.raises(UserError, match=said) as error:
        checks(kind)[check](Entry("wrong", target, trials=some))
    assert "\n" not in str(error.value)


def test_one_fault_is_said_once_and_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        'from trainers.core.method import Method\n\nclass Mine(Method):\n    """Mine."""\n\n'
        "    def loss(self, model, x, y, rng):\n        return missing\n\nMETHOD = Mine\n"
    )
    name = sources.locate(str(tmp_path / "mine.py")).name
    entry = Entry("mine", sources.constant(name, "METHOD"), source=name)
    assert inspected("method", entry) == (["line 7: NameError: name 'missing' is not defined"], [])


def test_an_object_of_another_form_gets_one_finding() -> None:
    wrong, remarks = inspected("model", Entry("wrong", 3))
    assert len(wrong) == 1 and remarks == []
