"""Ends a worker that is stuck, wherever it is stuck."""

import faulthandler
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from study.ledger import files


class OverdueError(Exception):
    """A trial took longer than it may."""


@contextmanager
def watched(seconds: float | None, note: Path) -> Iterator[None]:
    """Ends this process when the block takes longer than `seconds`, having written to `note` where it was.

    The watch is kept by a thread of C code that needs no interpreter: a worker that never returns from a library's
    call is ended as one in an endless loop is. None watches nothing.
    """
    if seconds is None:
        yield
        return
    with files.storing(note):
        note.parent.mkdir(parents=True, exist_ok=True)
        opened = note.open("w", encoding="utf-8")
    with opened as record:
        faulthandler.dump_traceback_later(seconds, exit=True, file=record)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            note.unlink(missing_ok=True)


def is_overdue(note: Path) -> bool:
    """Whether a watch has ended a process of the trial's since the launch began."""
    return note.exists() and note.stat().st_size > 0


def overdue(seconds: float, note: Path, code: Path) -> str:
    """Returns in one line what became of a trial that took too long: and where it was, if `note` says so.

    code: folder of the user's own code, which counts beside ours; a library's lines say nothing to the user.
    """
    was = ""
    if is_overdue(note):
        frames = re.findall(r'File "(.+)", line (\d+) in (.+)', note.read_text(encoding="utf-8"))
        paths = ((Path(file), line, name) for file, line, name in frames)
        telling = (each for each in paths if {"trainers", "study"} & set(each[0].parts) or code in each[0].parents)
        was = next((f", and was in {name} ({file.name}, line {line})" for file, line, name in telling), "")
    return f"the trial took longer than {seconds:g} s (--trial-timeout){was}"
