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
from study.datasets.core.files import DEFAULT_ROOT
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
) -> Data:
    """Returns the folders' images (3 x size x size), a class for each folder in root/train, by name.

    Training images are random resized crops, mirrored with chance `flip` (None is off); of all others the
    shorter side is scaled to 256/224 of `size` and the centre cut out. root/val is the test split; the
    validation split is a stratified share of root/train, by a fixed seed (0.04 of ImageNet's is about as
    large as its test split). The fingerprint is of the sorted paths and sizes of the files, not of their
    bytes.

    root: holds train/ and val/. download: not possible, ImageNet is behind a form.
    Raises UserError for missing or empty folders, or a class in val that is not in train.
    """
    root = root or DEFAULT_ROOT
    train, test = _scan(root, "train"), _scan(root, "val")
    classes = sorted({_class(name) for name, _ in train})
    unknown = sorted({_class(name) for name, _ in test} - set(classes))
    if unknown:
        raise UserError(f"{root / 'val' / unknown[0]} has no counterpart in {root / 'train'}; classes come from there")
    number = {name: i for i, name in enumerate(classes)}
    train_labels, test_labels = (_labels(part, number) for part in (train, test))
    train_names, test_names = (_names(part) for part in (train, test))
    kept, held = hold_out(train_labels, validation)

    def split(names: np.ndarray, labels: np.ndarray, flip: float | None = None) -> FileSplit:
        return FileSplit(root, names, torch.from_numpy(labels), size, device, flip)

    digest = hashlib.sha256(repr((size, validation, train, test)).encode(errors="surrogateescape"))
    return Data(
        split(train_names[kept], train_labels[kept], flip),
        split(train_names[held], train_labels[held]),
        split(test_names, test_labels),
        classes=len(classes),
        shape=(3, size, size),
        fingerprint=digest.hexdigest()[:16],
    )


def _labels(part: list[File], number: dict[str, int]) -> np.ndarray:
    return np.array([number[_class(name)] for name, _ in part], dtype=np.int64)


def _names(part: list[File]) -> np.ndarray:
    return np.array([os.fsencode(name) for name, _ in part])


def _class(name: str) -> str:
    return name.split("/")[1]


def _scan(root: Path, part: str) -> list[File]:
    """Returns all images in root/part/<class>/, sorted."""
    folder = root / part
    if not folder.is_dir():
        raise UserError(f"image_folder has no folder {folder}. Name the folder that holds train/ and val/")
    classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    found = []
    for name in classes:
        images = [
            (f"{part}/{name}/{entry.name}", entry.stat().st_size)
            for entry in os.scandir(folder / name)
            if entry.name.lower().endswith(SUFFIXES)
        ]
        if not images:
            raise UserError(f"{folder / name} holds no image; expected files in {', '.join(SUFFIXES)}")
        found += sorted(images)
    if not found:
        raise UserError(f"{folder} holds no class folders; expected {folder}/<class>/<image>")
    return found


DATASET = load
