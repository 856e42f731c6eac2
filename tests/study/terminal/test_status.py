"""How far a study is, of its directory alone."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from study.errors import UserError
from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.ledger.progress import Progress, Record
from study.ledger.state import State
from study.terminal.status import facts, show, watch
from tests.support import trials

TRIALS = [t for t in trials("sigma_sweep", seeds=1) if t.params["sigma"] in (0.0, 0.5)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A study of two trials, of which one has failed, with a launch at work."""
    folder = Folder(tmp_path)
    folder.claim("s[1]", "abc", TRIALS, {"data": "digits"})
    folder.write_json(folder.trial(TRIALS[0].key).mark(State.FAILED), {"reason": "no [memory]"})
    progress = Progress(name="s[1]")
    progress.hear(Event(kind=Kind.PHASE, reason="training", total=2))
    progress.hear(Event(kind=Kind.FAILED, trial=TRIALS[0], reason="no [memory]"))
    progress.hear(Event(kind=Kind.STARTED, trial=TRIALS[1]))
    Record(folder, progress).write(now=True)
    return folder


def test_json_has_the_counts_the_failures_and_the_launch(folder: Folder) -> None:
    said = json.loads(json.dumps(facts(folder)))
    assert said["trials"] == {"finished": 0, "failed": 1, "started": 0, "pending": 1} and said["selection"] is None
    assert [each["reason"] for each in said["failures"]] == ["no [memory]"]
    launch = said["launch"]
    assert launch["at_work"] and (launch["failed"], launch["total"]) == (1, 2)
    assert launch["running"] == [
        {"name": f"{TRIALS[1].label}, seed 0", "epoch": 0, "epochs": TRIALS[1].recipe["epochs"]}
    ]


def test_the_board_of_the_launch_is_shown_and_brackets_stay(folder: Folder) -> None:
    console = Console(file=io.StringIO(), width=80)
    show(folder, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "s[1] on digits" in text and "0/2 ██" in text and "no [memory]" in text


def test_a_watch_ends_where_no_launch_is_at_work(folder: Folder) -> None:
    folder.progress.unlink()
    watch(folder, Console(file=io.StringIO()))
    assert facts(folder)["launch"] is None


def test_a_directory_without_a_study_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no study"):
        facts(Folder(tmp_path))
