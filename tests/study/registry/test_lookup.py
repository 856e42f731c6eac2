"""From a name to the object behind it."""

from pathlib import Path

import pytest

from study.errors import UserError
from study.registry.lookup import FOLDERS, find, find_study, names, suggest

MINE = """
from search_spaces.core.space import Arm, Study
STUDY = Study(question="Mine?", arms=(Arm(method="standard", label="Vanilla"),), reports=("corruption_table",))
"""


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_listed_name_is_found(kind: str) -> None:
    assert list(names(kind)) == sorted(names(kind)) and len(names(kind)) >= 1
    assert all(find(kind, name) is not None for name in names(kind))
    assert not {"core", "parts", "__init__"} & set(names(kind))


def test_every_file_of_a_registry_is_an_entry() -> None:
    root = Path(__file__).parents[3]
    helpers = {"study.evaluation": {"rows"}}
    for kind, (package, constant) in FOLDERS.items():
        stems = {p.stem for p in (root / package.replace(".", "/")).glob("*.py")} - {"__init__"}
        assert stems - helpers.get(package, set()) == set(names(kind)), f"a file of {package} has no {constant}"


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_near_miss_gets_a_suggestion(kind: str) -> None:
    name = names(kind)[-1]
    with pytest.raises(UserError) as error:
        find(kind, name + "x")
    text = str(error.value)
    assert text.startswith(f"there is no {kind} '{name}x'. Did you mean '{name}'? Valid: ") and "\n" not in text
    assert all(valid in text for valid in names(kind))


@pytest.mark.parametrize("name", ["", "core", "../secrets", "gnt.py", "__init__", "no.such", "GNT"])
def test_nothing_but_an_entry_is_found(name: str) -> None:
    with pytest.raises(UserError, match="there is no (method|file|module)"):
        find("method", name)


def test_without_a_near_name_there_is_the_list_alone() -> None:
    assert suggest("zzz", ["a", "b"]) == " Valid: a, b"
    assert suggest("zzz", []) == " Valid: none"


def test_a_study_of_the_package_and_of_a_file(tmp_path: Path) -> None:
    assert find_study("sigma_sweep")[0] == "sigma_sweep"
    (tmp_path / "my_study.py").write_text(MINE, encoding="utf-8")
    name, study, folder = find_study(str(tmp_path / "my_study.py"))
    assert (name, study.question, folder) == ("my_study", "Mine?", tmp_path)


def test_a_file_that_is_absent_or_defines_no_study_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file .*gone.py"):
        find_study(str(tmp_path / "gone.py"))
    for text, said in (
        ("X = 1\n", "defines no STUDY"),
        ("STUDY = {'question': 1}\n", "is a dict, not a search_spaces"),
    ):
        (tmp_path / "empty.py").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=said):
            find_study(str(tmp_path / "empty.py"))
    with pytest.raises(UserError, match="Did you mean 'sigma_sweep'"):
        find_study("sigma_swep")
