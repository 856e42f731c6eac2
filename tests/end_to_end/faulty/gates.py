"""Gates at which the user code of this folder waits until a test opens them."""

import os
import time
from pathlib import Path

FOLDER = Path("gates")
"""Folder of the gates; `launches.faulty` writes its own into a study's copy of this file."""


def is_open(name: str) -> bool:
    """Whether the test has opened a gate: its file is there."""
    return (FOLDER / name).exists()


def wait(name: str) -> None:
    """Leaves a file NAME.PID that says that this process has come to a gate, and returns once the gate is open."""
    if not is_open(name):
        (FOLDER / f"{name}.{os.getpid()}").touch()
    while not is_open(name):
        time.sleep(0.01)
