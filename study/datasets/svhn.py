"""SVHN (street view house numbers, cropped digits), read from the files that torchvision downloads."""

import struct
import zlib
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torchvision
from annotated_types import Ge, Gt, Lt
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from study.datasets.core.augment import crop_and_flip
from study.datasets.core.data import Arrays, Data, tensor_data
from study.datasets.core.local_files import check_labels, first_line, locate
from study.errors import UserError

_DAMAGED = (
    *(MatReadError, NotImplementedError, zlib.error, struct.error),
    *(ValueError, TypeError, LookupError, OSError, OverflowError, MemoryError),
)


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.1,
    pad: Annotated[int, Ge(1)] | None = None,
) -> Data:
    """Returns SVHN (3 x 32 x 32, 10 classes; any number of images) from root/{train,test}_32x32.mat.

    root: folder that holds or shall hold both files. download: fetch them there where they are missing.
    validation: stratified share of the training images.
    pad: random crop of training images after padding, see `crop_and_flip`; None is off.
    Raises UserError for missing, cut or mis-shaped files.
    """
    train, test = (
        _split(path)
        for path in locate("svhn", ["train_32x32.mat", "test_32x32.mat"], root=root, download=download, fetch=_fetch)
    )
    return tensor_data(train, test, classes=10, validation=validation, device=device, augment=crop_and_flip(pad, None))


def _fetch(folder: Path) -> None:
    for split in ("train", "test"):
        torchvision.datasets.SVHN(str(folder), split=split, download=True)


def _split(path: Path) -> Arrays:
    """Images are stored as (32, 32, 3, N); the digit 0 has label 10."""
    try:
        content = loadmat(path, variable_names=["X", "y"])
    except _DAMAGED as error:
        raise UserError(f"{path} is cut or no MATLAB 5 file: {first_line(error)}") from error
    if not {"X", "y"} <= content.keys():
        raise UserError(f"{path} has no X and y; expected both, images and labels")
    images, labels = content["X"], content["y"].ravel().astype(np.int64)
    if images.dtype != np.uint8 or images.shape[:3] != (32, 32, 3) or images.ndim != 4:
        raise UserError(f"{path} has X of {images.dtype} {images.shape}; expected uint8 (32, 32, 3, images)")
    if labels.size and labels.min() < 1:
        raise UserError(f"{path} has label {labels.min()}; expected 1 to 10, 10 for the digit 0")
    labels[labels == 10] = 0
    check_labels(path, labels, images=images.shape[3], classes=10)
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), labels


DATASET = load
