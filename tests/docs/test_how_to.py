"""What the how-to pages tell a reader to write and to type works, and prints what they show.

The fast tests pretend launches: these are planned as for real, and their numbers made up. The slow ones train.
"""

import sys
from pathlib import Path

import pytest

from study import cli
from study.plan.planning import Plan, claim
from tests.docs.pages import ROOT, Command, File, absent, perform, plain, steps
from tests.support import table

FOLDER = ROOT / "docs" / "how_to"
PAGES = {path.stem: path for path in sorted(FOLDER.glob("*.md")) if path.stem != "index"}
HEAVY = ("--paper", "evaluate", "--until-sure")
"""What needs trained networks, a race or many figures, and is left to the slow tests."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for step in steps(PAGES[name].read_text(encoding="utf-8")):
        if isinstance(step, File) or step.words[0] == "python":
            printed = perform(step, tmp_path)
            missing = [] if isinstance(step, File) else absent(step, printed, digits=False)
        elif step.words[0] != "study" or any(word in HEAVY for word in step.words):
            continue
        elif step.words[1] == "launch" and "--dry-run" not in step.words:
            with monkeypatch.context() as pretended:
                pretended.setattr(cli, "_run", _pretend)
                _typed(step.words[1:], monkeypatch, capsys)
            missing = []
        else:
            resumed = step.words[1] == "resume"
            printed = _typed([*step.words[1:], *["--dry-run"] * resumed], monkeypatch, capsys)
            made_up = resumed or step.words[1] in ("report", "status")
            missing = [] if made_up else absent(step, printed)
        assert not missing, f"{name}: {step}"


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_true_word_by_word(name: str, tmp_path: Path) -> None:
    for step in steps(PAGES[name].read_text(encoding="utf-8")):
        printed = perform(step, tmp_path)
        if isinstance(step, Command):
            assert not absent(step, printed, digits=False), printed


def test_every_page_is_in_the_index_and_has_something_to_do() -> None:
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert len(PAGES) > 10 and all(f"({name}.md)" in index and f"\n{name}\n" in index for name in PAGES)
    assert all(any(isinstance(step, Command) for step in steps(path.read_text())) for path in PAGES.values())


def test_a_line_that_is_not_printed_is_named() -> None:
    (step,) = steps("```console\n$ study show x\n3 of  4 ... 5.2%\nnever\n```\n")
    assert isinstance(step, Command) and step.words == ["study", "show", "x"]
    assert absent(step, "│ 3 of 4 trials,\n5.2% │") == ["never"]
    assert absent(step, "3 of 7 trials, 5.2%") == ["3 of 4", "never"]
    assert absent(step, "3 of 7 trials, 9.2%", digits=False) == [plain("never")]


def _typed(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Returns what `study` prints for these arguments; its exit status has to be 0."""
    monkeypatch.setattr(sys, "argv", ["study", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert not ended.value.code, printed.out + printed.err
    return printed.out + printed.err


def _pretend(plan: Plan, dry_run: bool) -> None:  # noqa: ARG001
    """Makes the directory of a launch as it is once all its trials have made-up results."""
    with plan.folder.held():
        claim(plan)
    table(plan.trials, plan.folder.trials_path)
