"""What a user can get wrong: one line that says how to mend it, exit status 2, before Ray is so much as imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from study.plan.options import Options
from study.plan.planning import claim, plan
from tests.end_to_end.launches import ROOT, run

DRIVER = """
import contextlib, io, json, sys
from study.cli import main

found = {}
for name, arguments in json.loads(sys.argv[1]).items():
    sys.argv = ["study", *arguments]
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code
    found[name] = [code, error.getvalue(), "ray" in sys.modules]
print(json.dumps(found))
"""
LAUNCH = ("launch", "sigma_sweep", "--output", "{new}")
WRONG = {
    "no study of this name": (("launch", "sigma_swep"), "Did you mean 'sigma_sweep'?"),
    "no study file": (("launch", "nowhere.py"), "there is no file 'nowhere.py'"),
    "file without STUDY": (("launch", "{empty}"), "defines no STUDY"),
    "misspelt key": ((*LAUNCH, "--set", "sigam=0.1"), "Did you mean 'sigma'?"),
    "out of range": ((*LAUNCH, "--set", "sigma=-1"), "greater than or equal to 0"),
    "wrong type": ((*LAUNCH, "--set", "sigma=much"), "'much'"),
    "not a whole number": ((*LAUNCH, "--set", "batch_size=2.5"), "integer"),
    "no key": ((*LAUNCH, "--set", "0.5"), "KEY=VALUE"),
    "unknown dataset": ((*LAUNCH, "--data", "minst"), "Did you mean 'mnist'?"),
    "unknown model": ((*LAUNCH, "--model", "tiny_cnn"), "there is no model"),
    "missing data root": ((*LAUNCH, "--data", "mnist", "--data-root", "{new}/data"), "data"),
    "no parents to fine-tune": (("launch", "noisymix_transfer", "--output", "{new}"), "add --parents"),
    "a search of parents": (("launch", "noisymix_transfer", "--search", "tpe"), "searches start afresh"),
    "not the parents": (("launch", "noisymix_transfer", "--parents", "{taken}"), "has no setting 'Baseline'"),
    "another study's directory": (("launch", "sigma_sweep", "--output", "{taken}"), "holds another study"),
    "another launch at work": (("launch", "{file}", "--output", "{taken}"), "another launch is at work"),
    "a directory in use": (("launch", "sigma_sweep", "--output", "{used}"), "holds no study"),
    "a file": (("launch", "sigma_sweep", "--output", "{empty}"), "holds no study"),
    "where nothing can be written": (("launch", "sigma_sweep", "--output", "{empty}/below"), "cannot write"),
    "unknown search": ((*LAUNCH, "--search", "tpee"), "Did you mean 'tpe'?"),
    "no samples": ((*LAUNCH, "--search", "tpe", "--samples", "0"), "at least 1"),
    "samples of no search": ((*LAUNCH, "--samples", "3"), "Add --search tpe"),
    "trials of a search": ((*LAUNCH, "--search", "tpe", "--trials", "3"), "Use --samples"),
    "unknown objective": ((*LAUNCH, "--search", "tpe", "--objectives", "clean,corupption"), "'corruption'?"),
    "unknown scheduler": ((*LAUNCH, "--scheduler", "hyperband"), "Valid: asha, median"),
    "more GPUs than a trial can use": ((*LAUNCH, "--gpus-per-trial", "1000"), "it should be at most 1"),
    "status of nothing": (("status", "{used}"), "holds no study"),
    "report of nothing": (("report", "{used}"), "holds no study"),
    "unknown report": (("report", "{taken}", "--only", "accuracy"), "there is no report"),
    "unknown format": (("report", "{taken}", "--format", "docx"), "docx"),
}


@pytest.fixture(scope="module")
def answers(work: Path) -> dict[str, tuple[int, str, bool]]:
    """Exit status, standard error and whether ray was imported, of each wrong command; all in one process."""
    taken, used = plan(str(work / "tiny.py"), Options(output=work / "taken")), work / "used"
    claim(taken)
    used.mkdir()
    (used / "thesis.tex").touch()
    (work / "empty.py").touch()
    places = {
        "new": work / "new",
        "empty": work / "empty.py",
        "used": used,
        "taken": work / "taken",
        "file": work / "tiny.py",
    }
    commands = {name: [word.format(**places) for word in words] for name, (words, _) in WRONG.items()}
    with taken.folder.held():
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, json.dumps(commands)], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[int, str, bool]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_line(answers: dict[str, tuple[int, str, bool]], name: str) -> None:
    code, error, ray = answers[name]
    assert code == 2 and not ray
    assert error.startswith("error: ") and error.count("\n") == 1
    assert WRONG[name][1] in error


def test_wrong_input_leaves_no_directory_behind(work: Path, answers: dict[str, tuple[int, str, bool]]) -> None:
    assert not (work / "new").exists() and [p.name for p in (work / "used").iterdir()] == ["thesis.tex"]


def test_cores_that_are_not_there(work: Path, scratch: Path) -> None:
    ended = run("launch", work / "tiny.py", "--output", work / "cores", "--cpus-per-trial", 1000, scratch=scratch)
    assert ended.code == 2 and ended.err.count("\n") == 1
    assert ended.err.startswith("error: a trial asks for 1000 CPU (from --cpus-per-trial)")
    assert ended.left == () and ended.scratch == ()
