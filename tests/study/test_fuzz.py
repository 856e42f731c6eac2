"""Wrong command lines and study files: whatever is typed or written, the end is an exit status or one line of error."""

# ruff: noqa: SIM905  lists of words are easier to read as a text
import contextlib
import io
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study import cli
from study.registry.lookup import names

FEW = settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=500)
WORDS = (
    "| |-1|0|1e309|nan|inf|none|true|[]|{}|[1,|0.1,0.5|.5|a=b=c|=|%|%s|[bold]|[/x]|~|/|..|/dev/null|a b|ünï|\u200b|"
    "\x1b[31m|'|\"|\\|sigma|gpu|--|sqlite:///|localhost:5000|s3://|digits|small_cnn|gnt|standard|clean|"
    "clean, corruption|accuracy_curve|study.py|no_such.py|a.b.c|@|x@1|GNT.sigma=0.1|GNT.|model.width=0|data.x=1"
).split("|")
TEXT = st.text(max_size=8).filter(lambda text: "\x00" not in text)
JUNK = st.one_of(st.sampled_from(WORDS), TEXT, st.integers().map(str), st.floats().map(str))
KEYS = "sigma p_clean lr epochs batch_size optimizer model.width model. data.validation GNT.sigma x".split()
ASSIGNED = st.tuples(st.sampled_from(KEYS), JUNK).map("=".join)
STUDIES = st.one_of(st.sampled_from([*names("study")[:6], "sigma_sweep", "sigma_swep"]), JUNK)
LAUNCH = (
    "--data --data-root --model --seeds --epochs --search --samples --objectives --scheduler --within --max-seeds "
    "--trials --cpus-per-trial --gpus-per-trial --max-concurrent --retries --trial-timeout --checkpoint-every "
    "--tracking-uri --parents --output --storage"
).split()
OPTIONS = st.one_of(
    st.tuples(st.sampled_from(LAUNCH), JUNK),
    st.tuples(st.just("--set"), st.one_of(ASSIGNED, JUNK)),
    st.sampled_from([("--until-sure",), ("--download",), ("--no-such",), ("extra",)]),
)
MEASURING = st.tuples(st.sampled_from(["--on", "--data", "--model", "--device", "--set"]), JUNK)


def _joined(*words: str, rest: list[tuple[str, ...]]) -> list[str]:
    return [*words, *(each for pair in rest for each in pair)]


COMMANDS = st.one_of(
    st.builds(
        lambda name, rest: _joined("launch", name, "--dry-run", rest=rest), STUDIES, st.lists(OPTIONS, max_size=3)
    ),
    st.builds(lambda name: ["show", name], STUDIES),
    st.builds(lambda word, path: [word, path], st.sampled_from(["status", "resume", "report", "check"]), JUNK),
    st.builds(lambda path, rest: _joined("evaluate", path, rest=rest), JUNK, st.lists(MEASURING, max_size=3)),
    st.lists(JUNK, max_size=4),
)
STUDY = """from search_spaces.core.space import Arm, Grid, Range, Search, Study
STUDY = Study(
    question="q",
    arms=(Arm(method="gnt", label="A", space={"sigma": Grid(0.0, 0.5)}), Arm(method="standard", label="B")),
    reports=("accuracy_curve",),
    data="digits",
    model="small_cnn",
    recipe={"epochs": 1},
    evaluate={"clean": {}},
    seeds=1,
)
"""
PARTS = (
    'Study(|Arm(|Grid(|question|"q"|arms|(Arm|method|"gnt"|label|"A"|space|{"sigma"|0.5|"standard"|reports|'
    '("accuracy_curve",)|data|"digits"|model|"small_cnn"|recipe|{"epochs": 1}|evaluate|{"clean": {}}|1,|'
    "STUDY|import|,|)|\n"
).split("|")
VALUES = (
    '|None|True|0|-1|1.5|"x"|()|[]|{}|[0, 1]|{1}|Grid()|Grid(1)|Range(0, 1)|Range(1, 0)|float("nan")|1/0|undefined|'
    "lambda: 1|Arm|object()|b'x'|1e400|'[bold]%s'|import os|raise|(|Search()|range(3)|print|..."
).split("|")


def _said(arguments: list[str], folder: Path) -> str:
    """Runs the command line in this process, in a folder; returns what it wrote to the error stream. Errors pass."""
    errors = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["study", *arguments])
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            cli.main()
    assert end.value.code in (None, 0, 1, 2)
    return errors.getvalue()


def _type(arguments: list[str], folder: Path) -> None:
    said = _said(arguments, folder)
    assert "Traceback" not in said and not (said.startswith("error: ") and "\n" in said.rstrip("\n")), said


def _write(part: str, value: str, folder: Path) -> None:
    (folder / "mine.py").write_text(STUDY.replace(part, value, 1), encoding="utf-8")
    said = _said(["launch", "mine.py", "--dry-run"], folder)
    assert "Traceback" not in said and "\n" not in said.rstrip("\n"), said


@given(arguments=COMMANDS)
@FEW
def test_command_lines(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    _type(arguments, tmp_path_factory.mktemp("cwd"))


@given(part=st.sampled_from(PARTS), value=st.sampled_from(VALUES))
@FEW
def test_study_files(part: str, value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    _write(part, value, tmp_path_factory.mktemp("cwd"))


@pytest.mark.slow
@given(arguments=COMMANDS)
@MANY
def test_many_command_lines(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    _type(arguments, tmp_path_factory.mktemp("cwd"))


@pytest.mark.slow
@given(part=st.sampled_from(PARTS), value=st.sampled_from(VALUES))
@MANY
def test_many_study_files(part: str, value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    _write(part, value, tmp_path_factory.mktemp("cwd"))
