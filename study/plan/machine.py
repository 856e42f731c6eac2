"""The share of this machine that the process may use: a container, Slurm and systemd give less than there is.

Ray reads the limits of the outermost control group alone, which is a container's own, and no affinity. Slurm's and
systemd's groups are nested, so each group from this process's own up to the outermost counts here.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def cores(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Returns how many cores this process may keep busy: by its affinity and its groups' quotas, rounded down, but at
    least 1.

    groups: where control groups are mounted. own: the file that says which are this process's.
    """
    quotas = [_quota(folder) for folder in _folders(groups, own, "cpu")]
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([affinity, *(quota for quota in quotas if quota is not None)])))


def memory(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Returns how many bytes of memory this process and others in its groups may take. Arguments: as `cores`."""
    names = ("memory.max", "memory.limit_in_bytes")
    limits = [_number(folder / name) for folder in _folders(groups, own, "memory") for name in names]
    return int(min([psutil.virtual_memory().total, *(limit for limit in limits if limit is not None)]))


def _folders(groups: Path, own: Path, controller: str) -> Iterator[Path]:
    """Yields the folders of this process's groups of a controller, and of those around them; of both versions."""
    lines = own.read_text(encoding="utf-8").splitlines() if own.exists() else []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for root in (groups / controllers, groups / controller) if controllers else (groups, groups / "unified"):
            folder = root / path.lstrip("/")
            yield from (each for each in (folder, *folder.parents) if each.is_relative_to(root))


def _quota(folder: Path) -> float | None:
    """Returns the cores that a group may keep busy, or None: version 2's cpu.max, or version 1's two files."""
    if (limit := folder / "cpu.max").exists():
        quota, period = limit.read_text(encoding="utf-8").split()
        return None if quota == "max" else int(quota) / int(period)
    limits = (_number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us"))
    return None if limits[0] is None or not limits[1] or limits[0] < 0 else limits[0] / limits[1]


def _number(file: Path) -> int | None:
    """Returns the number in a file; None where there is no such file, or no limit in it."""
    text = file.read_text(encoding="utf-8").strip() if file.exists() else "max"
    return None if text == "max" else int(text)
