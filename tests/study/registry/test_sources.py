"""Code of the user's own: a name by the hash of its source, the same object in every process that has the copy."""

import subprocess
import sys
from pathlib import Path

import pytest

from study.errors import UserError
from study.ledger.trial import short
from study.registry import sources
from study.registry.lookup import adopt, find, find_study

METHOD = """
from dataclasses import dataclass

from helper import FACTOR
from trainers.standard import Standard


@dataclass
class Note:
    text: "str"


class Mine(Standard):
    \"\"\"Vanilla, under another name.\"\"\"

    factor = FACTOR


METHOD = Mine
"""
PACKAGED = """
from .helper import FACTOR
from trainers.standard import Standard

METHOD = type("Packaged", (Standard,), {"factor": FACTOR})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the user's: a method with a helper beside it, and a file that nobody imports."""
    (tmp_path / "my_method.py").write_text(METHOD)
    (tmp_path / "helper.py").write_text("FACTOR = 1\n")
    (tmp_path / "thesis.py").write_text("raise SystemExit\n")
    return tmp_path


def test_a_file_is_found_by_its_path_with_what_it_imports(folder: Path) -> None:
    name = adopt("method", str(folder / "my_method.py"))
    assert name.startswith("my_method@") and short(name) == "my_method"
    assert set(sources.stored(name).files) == {"my_method.py", "helper.py"}
    assert find("method", name).factor == 1 and find("method", name) is find("method", name)
    assert str(folder) not in name


def test_what_it_is_decides_the_name_and_nothing_else(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    name = adopt("method", str(folder / "my_method.py"))
    (folder / "thesis.py").write_text("X = 2\n")
    assert adopt("method", str(folder / "my_method.py")) == name
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for file in ("my_method.py", "helper.py"):
        (elsewhere / file).write_bytes((folder / file).read_bytes())
    assert adopt("method", str(elsewhere / "my_method.py")) == name
    (folder / "helper.py").write_text("FACTOR = 3\n")
    other = adopt("method", str(folder / "my_method.py"))
    assert other != name and find("method", other).factor == 3


def test_two_users_modules_of_one_name_stay_apart(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "my_method.py").write_text(METHOD)
    (other / "helper.py").write_text("FACTOR = 7\n")
    names = [adopt("method", str(place / "my_method.py")) for place in (folder, other)]
    assert [find("method", name).factor for name in names] == [1, 7]


def test_a_module_of_a_package_is_found_beside_and_by_its_dotted_name(folder: Path) -> None:
    package = folder / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("FACTOR = 5\n")
    (package / "packaged.py").write_text(PACKAGED)
    name = adopt("method", "my_package.packaged", folder)
    assert name.startswith("my_package.packaged@") and short(name) == "packaged"
    assert set(sources.stored(name).files) == {f"my_package/{file}.py" for file in ("packaged", "__init__", "helper")}
    assert find("method", name).factor == 5
    assert adopt("method", str(package / "packaged.py")) == name


WORKER = """
import sys
from pathlib import Path
from study.registry import sources
from study.registry.lookup import find
sources.use(Path(sys.argv[1]))
print(find("method", sys.argv[2]).factor)
"""


def test_another_process_finds_it_in_the_copy(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    name = adopt("method", str(folder / "my_method.py"))
    code = tmp_path_factory.mktemp("study") / "code"
    source = sources.stored(name)
    for file, content in source.files.items():
        (code / source.hash).mkdir(parents=True, exist_ok=True)
        (code / source.hash / file).write_bytes(content)
    done = subprocess.run([sys.executable, "-c", WORKER, code, name], capture_output=True, text=True, check=False)
    assert done.stdout == "1\n", done.stderr
    lost = subprocess.run([sys.executable, "-c", WORKER, code, "gone@0123456789ab"], capture_output=True, text=True)
    assert "UserError: the source of 'gone' (0123456789ab) is not here" in lost.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:\n", r"my_method.py is no Python: line 1: "),
        ("import no_such_thing\n", r"my_method.py cannot be imported: line 1: ModuleNotFoundError: .*no_such_thing"),
        ("\n\nx = 1 / 0\n", r"my_method.py cannot be imported: line 3: ZeroDivisionError: division by zero"),
        ("from .helper import FACTOR\n", r"line 1: a relative import needs a package.* Write `import helper`"),
        ("X = 1\n", r"my_method.py defines no METHOD"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(text: str, said: str, folder: Path) -> None:
    (folder / "my_method.py").write_text(text)
    with pytest.raises(UserError, match=said) as error:
        find("method", str(folder / "my_method.py"))
    assert "\n" not in str(error.value)


def test_our_packages_are_not_replaced_by_files_beside(folder: Path) -> None:
    for name in ("study", "trainers", "reports"):
        (folder / f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    assert find("method", str(folder / "my_method.py")).factor == 1
    assert "trainers.py" not in sources.locate(str(folder / "my_method.py")).files


def test_a_study_file_is_a_module_like_any_other(folder: Path) -> None:
    (folder / "my_study.py").write_text(
        "from dataclasses import dataclass\n"
        "import helper\n"
        "from search_spaces.core.space import Arm, Study\n\n"
        "@dataclass(frozen=True)\nclass Pair:\n    a: int\n\n"
        "STUDY = Study(question='?', arms=(Arm(method='my_method.py', label='Mine'),), reports=(), "
        "seeds=Pair(helper.FACTOR).a)\n"
    )
    name, study, beside = find_study(str(folder / "my_study.py"))
    assert (name, study.seeds, beside) == ("my_study", 1, folder)
    assert adopt("method", study.arms[0].method, beside).startswith("my_method@")


def test_what_a_users_code_raises_is_one_line_that_says_where(folder: Path) -> None:
    (folder / "helper.py").write_text("FACTOR = 1\ndef fail():\n    raise KeyError('no\\nwhere')\n")
    (folder / "my_method.py").write_text("import helper\n\ndef METHOD():\n    helper.fail()\n")
    name = adopt("method", str(folder / "my_method.py"))
    with pytest.raises(sources.OwnCodeError) as error, sources.one_line("it failed: ", name):
        find("method", name)()
    assert str(error.value) == r"it failed: helper.py, line 3: KeyError: 'no\nwhere'"
    here = sources.stored(name).path
    with pytest.raises(sources.OwnCodeError, match="^line 1: ZeroDiv"), sources.one_line("", name, here=here):
        exec(compile("1 / 0", str(here), "exec"))


def test_an_error_of_ours_passes_as_it_is_but_for_what_a_user_can_mend() -> None:
    with pytest.raises(KeyError), sources.one_line("it failed: ", "gnt", ours=(ValueError,)):
        raise KeyError("a bug")
    with (
        pytest.raises(UserError, match="^it failed: too wide$"),
        sources.one_line("it failed: ", "gnt", ours=(ValueError,)),
    ):
        raise ValueError("too wide")


@pytest.mark.parametrize(
    ("name", "printed"),
    [("gnt", "gnt"), ("mine@0a1b", "mine"), ("my_package.mine@0a1b", "mine"), ("folder/mine.py", "mine")],
)
def test_print_calls_it_by_its_name(name: str, printed: str) -> None:
    assert short(name) == printed


@pytest.mark.parametrize("name", ["study", "trainers", "random", "torch"])
def test_a_file_called_as_another_module_is_is_loaded_apart(name: str, tmp_path: Path) -> None:
    before = sys.modules[name]
    (tmp_path / f"{name}.py").write_text(
        "from search_spaces.core.space import Arm, Study\n"
        "STUDY = Study(question='?', arms=(Arm(method='gnt', label='G'),), reports=())\n"
    )
    assert find_study(str(tmp_path / f"{name}.py"))[1].arms[0].label == "G"
    assert sys.modules[name] is before
    assert find("method", "gnt").__name__ == "GNT"
