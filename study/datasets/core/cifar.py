"""The pickled batches of CIFAR-10 and CIFAR-100, read without running what a pickle may ask for."""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from study.datasets.core.augment import crop_and_flip
from study.datasets.core.data import Arrays, Data, tensor_data
from study.datasets.core.local_files import check_labels, first_line, locate
from study.errors import UserError

_DAMAGED = (
    *(pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError, OverflowError),
    MemoryError,  # a damaged length asks for petabytes
)


def cifar_data(
    name: str,
    train: Sequence[str],
    test: Sequence[str],
    *,
    key: str,
    classes: int,
    root: Path | None,
    device: torch.device,
    download: bool,
    fetch: Callable[[Path], object],
    validation: float,
    pad: int | None,
    flip: float | None,
) -> Data:
    """Returns the dataset in the batch files `train` and `test` under root; `key` holds the labels.

    A file may hold any number of images, so subsets load too: checksums are the downloader's affair.
    """
    paths = locate(name, [*train, *test], root=root, download=download, fetch=fetch)
    batches = [_batch(path, key, classes) for path in paths]
    splits = [_joined(batches[: len(train)]), _joined(batches[len(train) :])]
    return tensor_data(*splits, classes=classes, validation=validation, device=device, augment=crop_and_flip(pad, flip))


def read_pickle(path: Path) -> object:
    """Returns the object pickled in a file: arrays, numbers, text, lists and dictionaries only.

    Raises UserError where it holds anything else or is damaged; no code of the file's choosing is run.
    """
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file, encoding="latin1").load()
    except _DAMAGED as error:
        raise UserError(f"{path} is cut or no pickle of plain arrays: {first_line(error)}") from error


def _latin1(text: str, _encoding: str) -> bytes:
    return text.encode("latin1")


class _PlainUnpickler(pickle.Unpickler):
    """Knows the four names that pickled arrays refer to, by their old and new spelling, and no others."""

    _names = {
        ("numpy.core.multiarray", "_reconstruct"): ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"): ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"): ("numpy", "ndarray"),
        ("numpy", "dtype"): ("numpy", "dtype"),
    }

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes in old protocols
            return _latin1
        if (module, name) not in self._names:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(*self._names[module, name])


def _batch(path: Path, key: str, classes: int) -> Arrays:
    content = read_pickle(path)
    if not isinstance(content, dict) or not {"data", key} <= content.keys():
        raise UserError(f"{path} has no 'data' and {key!r}; expected a CIFAR batch, a dictionary with both")
    images, labels = content["data"], content[key]
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (3 * 32 * 32,):
        raise UserError(f"{path} has data of {_kind(images)}; expected uint8 of (images, 3072)")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise UserError(f"{path} has {key} that are no list of whole numbers")
    labels = np.array(labels, dtype=np.int64)
    check_labels(path, labels, images=len(images), classes=classes)
    return images.reshape(-1, 3, 32, 32), labels


def _joined(batches: Sequence[Arrays]) -> Arrays:
    images, labels = zip(*batches, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _kind(value: object) -> str:
    return f"{value.dtype} of {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
