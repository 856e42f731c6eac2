"""Finding, fetching and checking the files of datasets: every fault becomes one line that names the file."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from study.errors import UserError

DEFAULT_ROOT = Path("data")


def locate(
    name: str,
    files: Sequence[str],
    *,
    root: Path | None,
    download: bool,
    fetch: Callable[[Path], object],
    packed: str | None = None,
) -> list[Path]:
    """Returns the paths of a dataset's files under `root` (default: data), fetched first if allowed.

    fetch: downloads all files into the folder it is given. packed: a suffix with which a file may
    lie there, too. Writes nothing unless `download`.
    Raises UserError where a file is missing, or the download fails.
    """
    root = root or DEFAULT_ROOT
    paths = [_there(root / file, packed) for file in files]
    if download and not all(path.is_file() for path in paths):
        try:
            fetch(root)
        except (OSError, RuntimeError) as error:
            raise UserError(f"{name} could not be downloaded to {root}: {first_line(error)}") from error
        paths = [_there(root / file, packed) for file in files]
    for file, path in zip(files, paths, strict=True):
        if not path.is_file():
            raise UserError(f"{name} has no file {path}. Name the folder that holds {file}, or add --download")
    return paths


def _there(path: Path, packed: str | None) -> Path:
    """Returns the path, or that of its packed form where only this is there."""
    other = path.with_name(f"{path.name}{packed}")
    return other if packed is not None and not path.is_file() and other.is_file() else path


def check_labels(path: Path, labels: np.ndarray, *, images: int, classes: int) -> None:
    """Raises UserError unless there are `images` labels (at least one), all of them in 0 .. classes - 1."""
    if len(labels) != images or not images:
        raise UserError(f"{path} has {len(labels)} labels for {images} images; expected one for each, at least one")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise UserError(f"{path} has labels from {low} to {high}; expected 0 to {classes - 1}")


def hidden(name: str) -> bool:
    """Whether a file or folder is none of the data: `.ipynb_checkpoints`, `.DS_Store`, `._x.png` and `__MACOSX`."""
    return name.startswith(".") or name == "__MACOSX"


def first_line(error: Exception) -> str:
    """Returns the first line of an exception's text, or its type's name where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
