"""The board of a launch, at every width."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.ledger.progress import Progress
from study.terminal.board import board, clock
from tests.support import trials

ONE, TWO = (t for t in trials("sigma_sweep", seeds=1) if t.params["sigma"] in (0.0, 0.5))


def _progress() -> Progress:
    """Of a launch of 40 trials, of which one is finished, one fails and one runs."""
    progress = Progress(name="sigma_sweep")
    epochs = ONE.recipe["epochs"]
    for event in (
        Event(kind=Kind.PHASE, reason="training", total=40),
        Event(kind=Kind.FINISHED, trial=ONE, score=0.75),
        Event(kind=Kind.FAILED, trial=ONE.with_seed(1), reason="out of memory in [conv2]"),
        Event(kind=Kind.STARTED, trial=TWO),
        Event(kind=Kind.EPOCH, trial=TWO, point={"epoch": epochs}),
    ):
        progress.hear(event)
    progress.launched -= 65
    progress.since -= 60
    return progress


def _shown(progress: Progress, width: int, folder: Folder | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(board(progress, width, folder, "CPU 5%"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [30, 60, 100, 200])
def test_count_and_bar_are_there_at_every_width(width: int) -> None:
    lines = _shown(_progress(), width)
    assert lines[1].startswith("1/40 █") and lines[1].count("█") + lines[1].count("░") >= 10
    assert all(len(line) <= width for line in lines)


def test_what_fits_says_how_long_it_takes_and_what_runs_leads_and_failed() -> None:
    lines = _shown(_progress(), 100)
    assert lines[0] == "sigma_sweep  training"
    assert all(text in lines[1] for text in ("1 failed", "12:20 left", "1:05 elapsed", "3 a minute"))
    assert lines[2].endswith(f"{TWO.label}, seed 0  evaluating")
    assert lines[3] == "Leading, by corruption accuracy on validation images"
    assert lines[4] == f"   75.0%  {ONE.label}"
    assert lines[5] == f"failed: {ONE.label}, seed 1: out of memory in [conv2]" and lines[6] == "CPU 5%"


def test_the_paths_are_whole_and_quoted_for_the_shell(tmp_path: Path) -> None:

    folder = Folder(tmp_path / "a folder")
    assert f"'{folder.path}'" in "".join(_shown(_progress(), 60, folder))


@pytest.mark.parametrize(("seconds", "text"), [(0.9, "0 s"), (59, "59 s"), (60, "1:00"), (3723, "1:02:03")])
def test_times(seconds: float, text: str) -> None:
    assert clock(seconds) == text
