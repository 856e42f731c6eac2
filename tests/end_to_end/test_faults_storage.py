"""A disk that is full, and one that is read-only: one line each, and the study goes on once there is room."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.launches import Command, Ray, children, faulty, run, table, times, undisturbed, waiting

SIZE = 3 * 2**20
"""Bytes of the small disk."""


@pytest.fixture
def disk(work: Path) -> Iterator[Path]:
    """A small file system of its own, empty; needs the right to mount one."""
    path = work / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", path], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a full disk needs one to fill, and none can be mounted here: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def test_a_full_disk_and_a_read_only_one(work: Path, scratch: Path, ray: Ray, disk: Path) -> None:
    file, gates = faulty(work, "full", seeds=2)
    command = Command("launch", file, "--output", disk, scratch=scratch, ray=ray)
    command.until(lambda: len(waiting(gates, "go")) == 2, "both trials in the middle of their second epoch")
    before = {path: path.read_bytes() for path in disk.glob("trials/*/*")}
    ballast = disk / "ballast"
    with pytest.raises(OSError, match="No space left"), ballast.open("wb") as handle:
        while True:
            handle.write(bytes(4096))
            handle.flush()
    (gates / "go").touch()
    ended = command.end()
    assert ended.code == 2 and ended.err.startswith(f"error: cannot write {disk}/trials/")
    assert "No space left on device. Nothing finished is lost" in ended.err and ended.err.count("\n") == 1
    assert "Traceback" not in ended.out and ended.left == () and ended.scratch == ()
    assert {path: path.read_bytes() for path in before} == before and len(before) == 8
    assert not list(disk.glob("trials/*/failure.json")), "the disk is no fault of the trials'"

    ballast.unlink()
    resumed = run("resume", disk, scratch=scratch, ray=ray)
    assert resumed.code == 0 and "2 of 2 trials finished" in resumed.out, resumed.out + resumed.err
    assert not list(disk.glob("**/*.tmp"))
    assert table(disk).equals(undisturbed(file))
    assert [r.info.status for r in children(disk).values()] == ["FINISHED"] * 2

    finished = times(disk)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    refused = run("resume", disk, scratch=scratch, ray=ray)
    assert refused.code == 2 and refused.err.count("\n") == 1 and times(disk) == finished
    assert refused.err.startswith(f"error: cannot write {disk}: Read-only file system.")
