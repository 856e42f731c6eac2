"""Image folders of ImageNet's kind, streamed from disk: root/{train,val}/<class>/<image>."""

import hashlib
import os
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Lt

from study.datasets.core.data import Data, hold_out
from study.datasets.core.decode import SUFFIXES
from study.datasets.core.local_files import DEFAULT_ROOT, hidden
from study.datasets.core.mixed import with_stylised
from study.datasets.core.streaming import FileSplit
from study.errors import UserError

File = tuple[str, int]
"""Path below root, with slashes, and size in bytes."""


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    size: Annotated[int, Ge(8)] = 224,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.04,
    flip: Annotated[float, Gt(0), Le(1)] | None = 0.5,
    stylised: str | None = None,
    p_stylised: Annotated[float, Gt(0), Lt(1)] = 0.3,
) -> Data:
    """Returns the folders' images (3 x size x size), a class for each folder in root/train, by name.

    Training images are random resized crops, mirrored with chance `flip` (None is off); of all others the
    shorter side is scaled to 256/224 of `size` and the centre cut out. root/val is the test split; the
    validation split is a stratified share of root/train, by a fixed seed (0.04 of ImageNet's is about as
    large as its test split). The fingerprint is of the sorted paths and sizes of the files, not of their
    bytes.

    stylised: a folder in root beside train/, of the same classes: restyled versions of its images. Versions of
    validation images, by class and name up to the suffix, are left out. None is off. See
    `study.datasets.core.mixed`.
    p_stylised: share of each training batch, at its start, that is stylised; augmented like the others.
    root: holds train/ and val/. download: not possible, ImageNet is behind a form.
    Raises UserError for missing or empty folders, or a class in another folder that is not in train.
    """
    root = root or DEFAULT_ROOT
    parts = {part: _scan(root, part) for part in ("train", "val", stylised) if part is not None}
    classes = sorted({_class(name) for name, _ in parts["train"]})
    for part, files in parts.items():
        unknown = sorted({_class(name) for name, _ in files} - set(classes))
        if unknown:
            raise UserError(
                f"{root / part / unknown[0]} has no counterpart in {root / 'train'}; classes come from there"
            )
    number = {name: i for i, name in enumerate(classes)}
    labels = _labels(parts["train"], number)
    rest, held = hold_out(labels, validation)

    def split(files: list[File], flip: float | None = None) -> FileSplit:
        return FileSplit(root, _names(files), torch.from_numpy(_labels(files, number)), size, device, flip)

    held_files = [parts["train"][i] for i in held]
    digest = hashlib.sha256(repr((size, validation, parts["train"], parts["val"])).encode(errors="surrogateescape"))
    data = Data(
        split([parts["train"][i] for i in rest], flip),
        split(held_files),
        split(parts["val"]),
        classes=len(classes),
        shape=(3, size, size),
        fingerprint=digest.hexdigest()[:16],
    )
    if stylised is None:
        return data
    hidden = {_identity(name) for name, _ in held_files}
    usable = [file for file in parts[stylised] if _identity(file[0]) not in hidden]
    if not usable:
        raise UserError(f"{root / stylised} holds versions of validation images alone; expected some of all of train's")
    content = repr(parts[stylised]).encode(errors="surrogateescape")
    return with_stylised(data, split(usable, flip), p_stylised, content)


def _labels(part: list[File], number: dict[str, int]) -> np.ndarray:
    return np.array([number[_class(name)] for name, _ in part], dtype=np.int64)


def _names(part: list[File]) -> np.ndarray:
    return np.array([os.fsencode(name) for name, _ in part])


def _class(name: str) -> str:
    return name.split("/")[1]


def _identity(name: str) -> tuple[str, str]:
    """Returns what an image and its restyled version have in common: class, and name up to the suffix."""
    return _class(name), name.split("/")[2].rpartition(".")[0]


def _scan(root: Path, part: str) -> list[File]:
    """Returns all images in root/part/<class>/, sorted."""
    folder = root / part
    if not folder.is_dir():
        raise UserError(f"image_folder has no folder {folder}. Name the folder that holds train/ and val/")
    classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not hidden(entry.name))
    files = []
    for name in classes:
        images = [
            (f"{part}/{name}/{entry.name}", entry.stat().st_size)
            for entry in os.scandir(folder / name)
            if entry.name.lower().endswith(SUFFIXES) and not hidden(entry.name)
        ]
        if not images:
            raise UserError(f"{folder / name} holds no image; expected files in {', '.join(SUFFIXES)}")
        files += sorted(images)
    if not files:
        raise UserError(f"{folder} holds no class folders; expected {folder}/<class>/<image>")
    return files


DATASET = load
