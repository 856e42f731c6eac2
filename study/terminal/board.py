"""The board of a launch: the same in its own terminal and in `study status --watch`."""

import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from rich.console import Group
from rich.text import Text

from study.ledger.folder import Folder
from study.ledger.progress import Progress

RUNNING = 6
LEADING = 3
FAILURES = 3
BAR = (10, 40)
"""Least and most columns of the bar over all trials."""
GPU_EVERY = 5.0
"""Seconds between two questions to the GPUs' driver."""


def board(progress: Progress, width: int, folder: Folder | None = None, machine: str = "") -> Group:
    """Returns the lines of a launch, each at most `width` columns: phase, count and bar, what runs, what leads, what
    failed, the machine and where the results are. Count and bar are on every line of at least 30 columns."""
    now = time.time() if progress.phase != "ended" else progress.updated
    lines = [_joined([Text(progress.name, "bold"), Text(progress.phase)], width), _bar_line(progress, width, now)]
    lines += _running(progress, width)
    if progress.leading:
        what = "accuracy" if progress.objective == "clean" else f"{progress.objective} accuracy"
        lines.append(Text(_cut(f"Leading, by {what} on validation images", width), "dim"))
        for score, label, seeds in progress.leading[:LEADING]:
            mean = "" if label in progress.running or seeds == 1 else f", mean of {seeds} seeds"
            lines.append(Text(_cut(f"  {score:6.1%}  {label}{mean}", width), "green"))
    lines += [Text(_cut(f"failed: {text}", width), "red") for text in progress.failures[-FAILURES:]]
    if machine:
        lines.append(Text(_cut(machine, width), "dim"))
    if folder is not None:
        lines += _places(folder, width)
    return Group(*lines)


def _bar_line(progress: Progress, width: int, now: float) -> Text:
    """Returns count, bar and times. What does not fit goes, the last first; count and bar stay."""
    count = f"{progress.done}/{progress.total}"
    rate, left = progress.rate(now) * 60, progress.left(now)
    parts = [f"{progress.failed} failed"] if progress.failed else []
    parts += [f"{clock(left)} left"] if left is not None else []
    parts += [f"{clock(now - progress.launched)} elapsed"]
    parts += [f"{rate:.3g} a minute"] if rate > 0 else []
    while parts and len(count) + 1 + BAR[0] + 2 + len("  ".join(parts)) > width:
        parts.pop()
    end = "".join(f"  {part}" for part in parts)
    room = max(1, min(BAR[1], width - len(count) - 1 - len(end)))
    share = progress.worked / progress.total if progress.total else 0.0
    return Text.assemble((count, "bold"), " ", *bar(share, room), end)


def bar(share: float, width: int) -> list[tuple[str, str]]:
    """Returns the styled parts of a bar of `width` columns."""
    full = round(min(1.0, max(0.0, share)) * width)
    return [("█" * full, "cyan"), ("░" * (width - full), "dim")]


def _running(progress: Progress, width: int) -> list[Text]:
    """Returns a line for each running trial: its bar and count of epochs, then its name."""
    lines = []
    ahead = sorted(progress.running, key=progress.share, reverse=True)
    for key in ahead[:RUNNING]:
        trial = progress.running[key]
        digits = len(str(trial["epochs"]))
        count = f"{trial['epoch']:{digits}}/{trial['epochs']}"
        doing = "  evaluating" if trial["epoch"] >= trial["epochs"] else ""
        text = Text.assemble("  ", *bar(progress.share(key), 10), f" {count}  ")
        text.append(_cut(trial["name"], width - len(text.plain) - len(doing)) + doing)
        lines.append(text)
    if len(ahead) > RUNNING:
        lines.append(Text(f"  and {len(ahead) - RUNNING} more run", "dim"))
    return lines


def _places(folder: Folder, width: int) -> list[Text]:
    """Returns where the report and MLflow are. A path that is too long is not cut: it goes on in the next line."""
    made = (folder.report / "index.html").exists()
    where = shlex.quote(_near(folder.path))
    report = shlex.quote(_near(folder.report / "index.html")) if made else f"made at the end; now: study report {where}"
    lines = [f"Report:  {report}", f"MLflow:  study ui {where}"]
    return [Text(line, "dim", overflow="fold", no_wrap=len(line) <= width) for line in lines]


def _near(path: Path) -> str:
    """Returns the path as it is typed from here: relative where it lies below the current folder."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def clock(seconds: float) -> str:
    """Returns seconds as 42 s, 3:05 or 1:02:03."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


class Machine:
    """What this machine is doing, in one line."""

    def __init__(self) -> None:
        self._gpus, self._asked = "", 0.0
        self._driver = shutil.which("nvidia-smi")
        psutil.cpu_percent()  # the first answer is since the start of the machine's count

    def __str__(self) -> str:
        """CPU, memory and GPUs."""
        memory = psutil.virtual_memory()
        used, total = (memory.total - memory.available) / 2**30, memory.total / 2**30
        return f"CPU {psutil.cpu_percent():.0f}%  memory {used:.1f} of {total:.1f} GiB{self._gpu()}"

    def _gpu(self) -> str:
        if self._driver and time.monotonic() > self._asked + GPU_EVERY:
            self._asked = time.monotonic()
            query = ["--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits"]
            try:
                asked = subprocess.run(
                    [self._driver, *query], capture_output=True, text=True, timeout=2, check=True
                )  # fmt: skip
            except (OSError, subprocess.SubprocessError):
                self._driver = None
                return ""
            self._gpus = _gpus(asked.stdout.splitlines())
        return self._gpus


def _gpus(lines: Sequence[str]) -> str:
    """Returns what the driver says of each GPU: percent, MiB used, MiB in all."""
    text = ""
    for number, line in enumerate(lines):
        percent, used, total = (part.strip() for part in line.split(","))
        if used.isdigit() and total.isdigit():
            text += f"  GPU {number} {percent}%, {int(used) / 1024:.1f} of {int(total) / 1024:.1f} GiB"
    return text


def _cut(text: str, width: int) -> str:
    """Returns the text on one line, its end replaced by … where it is too long."""
    text = " ".join(text.split("\n"))
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"


def _joined(parts: Sequence[Text], width: int) -> Text:
    line = Text("  ").join([part for part in parts if part.plain])
    line.truncate(width, overflow="ellipsis")
    return line
