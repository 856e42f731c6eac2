"""The watch over a worker, in processes that hang."""

import subprocess
import sys
from pathlib import Path

import pytest

from study.engine.watchdog import is_overdue, overdue, watched

HANGING = """
import ctypes, sys, time
from pathlib import Path
from study.engine.watchdog import watched

def in_python():
    while True:
        pass

def in_c():
    ctypes.PyDLL(None).pause()  # keeps the interpreter's lock, as a library that never returns does

with watched(0.2, Path(sys.argv[2])):
    {"python": in_python, "c": in_c}[sys.argv[1]]()
"""


@pytest.mark.parametrize(("where", "folder"), [("python", "study"), ("c", "study"), ("c", "code/1a2b3c")])
def test_a_process_that_hangs_ends_and_leaves_a_note(where: str, folder: str, tmp_path: Path) -> None:
    script, note = tmp_path / folder / "hanging.py", tmp_path / "deep" / "note.txt"
    script.parent.mkdir(parents=True)
    script.write_text(HANGING)
    done = subprocess.run([sys.executable, str(script), where, str(note)], timeout=100, check=False)
    assert done.returncode == 1 and is_overdue(note)
    line = HANGING[: HANGING.index("pass" if where == "python" else "ctypes.Py")].count("\n") + 1
    said = overdue(0.2, note, tmp_path / "code")
    assert said.startswith(
        f"the trial took longer than 0.2 s (--trial-timeout), and was in in_{where} (hanging.py, line"
    )
    assert int(said.rstrip(")").split()[-1]) in (line, line - 1)


def test_what_ends_in_time_goes_on_and_leaves_no_note(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    with watched(60, note):
        assert note.exists() and not is_overdue(note)
    assert not note.exists()
    with pytest.raises(ValueError), watched(60, note):
        raise ValueError
    assert not is_overdue(note)
    assert overdue(60, note, tmp_path) == "the trial took longer than 60 s (--trial-timeout)"
    with watched(None, note):
        assert not note.exists()
