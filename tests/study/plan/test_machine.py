"""Limits of control groups, of both versions, count as they are nested; and a real group's where one can be made."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from study.plan import machine
from tests.end_to_end.launches import ROOT

AFFINITY = len(os.sched_getaffinity(0))


def groups(folder: Path, own: str, files: Mapping[str, str]) -> tuple[Path, Path]:
    """Writes control groups' files and the one that names a process's groups; returns both places."""
    for name, text in files.items():
        (folder / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup" / name).write_text(text + "\n")
    (folder / "own").write_text(own + "\n")
    return folder / "cgroup", folder / "own"


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/", {"cpu.max": "100000 100000"}, 1),
        ("0::/", {"cpu.max": "max 100000"}, 64),
        ("0::/", {"cpu.max": "350000 100000"}, 3),
        ("0::/", {"cpu.max": "50000 100000"}, 1),
        ("0::/job/step", {"job/cpu.max": "200000 100000", "job/step/cpu.max": "max 100000"}, 2),
        ("0::/job/step", {"job/cpu.max": "400000 100000", "job/step/cpu.max": "300000 100000"}, 3),
        ("0::/job", {"cpu.max": "max 100000", "other/cpu.max": "100000 100000"}, 64),
        ("4:cpu,cpuacct:/", {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ("4:cpu,cpuacct:/j", {"cpu,cpuacct/j/cpu.cfs_quota_us": "5", "cpu,cpuacct/j/cpu.cfs_period_us": "1"}, 5),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 64),
        ("4:cpu:/docker/of/the/host", {"cpu/cpu.cfs_quota_us": "300", "cpu/cpu.cfs_period_us": "100"}, 3),
        ("4:cpuset:/a", {"cpuset/a/cpu.cfs_quota_us": "1", "cpuset/a/cpu.cfs_period_us": "1"}, 64),
    ],
)
def test_cores_are_those_of_the_narrowest_group(
    own: str, files: dict[str, str], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    assert machine.cores(*groups(tmp_path, own, files)) == cores


def test_cores_without_control_groups_are_those_of_the_affinity(tmp_path: Path) -> None:
    assert machine.cores(tmp_path / "none", tmp_path / "none") == AFFINITY


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/", {"memory.max": "1000"}, 1000),
        ("0::/a/b", {"a/memory.max": "3000", "a/b/memory.max": "5000"}, 3000),
        ("5:memory:/a", {"memory/a/memory.limit_in_bytes": "4000"}, 4000),
        ("5:memory:/", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("0::/", {"memory.max": "max"}, None),
    ],
)
def test_memory_is_that_of_the_narrowest_group(
    own: str, files: dict[str, str], limit: int | None, tmp_path: Path
) -> None:
    total = psutil.virtual_memory().total
    assert machine.memory(*groups(tmp_path, own, files)) == (total if limit is None else limit)


def test_a_real_groups_quota_counts() -> None:
    old, new = machine.GROUPS / "cpu", machine.GROUPS
    group = (old if old.is_dir() else new) / f"noise-study-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_quota_us").write_text("100000")
        elif (group / "cpu.max").exists():
            (group / "cpu.max").write_text("100000 100000")
        else:
            pytest.skip("control groups have no quotas of CPU here")
        code = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0'); from study.plan import machine; "
        done = subprocess.run(
            [sys.executable, "-c", code + "print(machine.cores())"],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    finally:
        group.rmdir()
    assert done.stdout.split() == ["1"]
