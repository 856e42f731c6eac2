"""Files appear whole and on disk, or not at all; a disk that refuses is one line."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from study.errors import UserError

PARTIAL = ".tmp"
"""How the name of a file ends that is not whole yet. One that is there while nobody is at work, a dead writer left."""


class StorageError(UserError):
    """The disk is full, read-only or gone: nobody's mistake in the study, which continues once there is room."""


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns what the system says while writing below `path` into a StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}. "
            "Nothing finished is lost: mend this, or choose another --output, and launch or resume again"
        ) from error


def read_json(path: Path) -> Any:
    """Returns what a JSON file of a study holds. Raises UserError, which names the file, for a cut or damaged one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(
            f"{path} is cut or damaged: {error}. Restore it from a copy, or launch the study again: into another "
            "--output, where it is study.json"
        ) from error


def check_writable(path: Path) -> None:
    """Raises UserError where a file could not be written, its folders made; makes and changes nothing."""
    place = path if path.exists() else next(each for each in path.absolute().parents if each.exists())
    if path.is_dir() or (place != path and not place.is_dir()):
        raise UserError(
            f"{path} cannot be written: {place} is {'a folder' if path.is_dir() else 'a file'}. Choose another file"
        )
    if not os.access(place, os.W_OK):
        raise UserError(f"{path} cannot be written: {place} is read-only for this user. Choose another file")


def write(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Writes a file in one step: readers find the old content or the new, and so they do after a power cut.

    durable: False leaves it to the system when the content reaches the disk; after a power cut the file may be empty.
    Makes its folder where there is none. Raises StorageError; what was there before then still is.
    """
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{PARTIAL}")
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as handle:
                handle.write(content)
                handle.flush()
                if durable:
                    os.fsync(handle.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
