"""Files appear whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from study.errors import UserError
from study.ledger import files


def test_a_file_is_replaced_in_one_step_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/a.bin"
    files.write(path, b"one")
    inode = path.stat().st_ino
    files.write(path, b"two")
    assert path.read_bytes() == b"two" and path.stat().st_ino != inode
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    """A process may write no file beyond a size: the system refuses as a full disk does, half-way through."""
    path = tmp_path / "a.bin"
    files.write(path, b"old")
    code = (
        "import resource, sys; from pathlib import Path; from study.ledger import files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    files.write(Path(sys.argv[1]), bytes(5000))\n"
        "except files.StorageError as error:\n    print(error)"
    )
    said = os.popen(f"python -c '{code}' {path}").read()
    assert said.startswith(f"cannot write {path}: File too large. Nothing finished is lost") and said.count("\n") == 1
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_what_the_system_says_is_a_users_error_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"cannot write .*: No space left on device\. .*--output"),
        files.storing(tmp_path),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/else")
    with pytest.raises(ValueError), files.storing(tmp_path):
        raise ValueError


def test_a_damaged_record_is_one_line_with_its_file(tmp_path: Path) -> None:
    for content in ("", '{"name": "sig', "\x00\x00"):
        (tmp_path / "study.json").write_text(content)
        with pytest.raises(UserError, match=r"study\.json is cut or damaged") as error:
            files.read_json(tmp_path / "study.json")
        assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_written_is_known_before_and_left_alone(tmp_path: Path) -> None:
    files.check_writable(tmp_path / "a/b.csv")
    assert not (tmp_path / "a").exists()
    (tmp_path / "there").write_text("x")
    files.check_writable(tmp_path / "there")
    assert (tmp_path / "there").read_text() == "x"
    with pytest.raises(UserError, match="there/x.csv cannot be written"):
        files.check_writable(tmp_path / "there/x.csv")
