"""The IDX format of MNIST and Fashion-MNIST: a big-endian header, then the bytes."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from study.datasets.core.data import Arrays, Augment, Data, tensor_data
from study.datasets.core.local_files import check_labels, first_line, locate
from study.errors import UserError

CLASSES = 10


def idx_data(
    name: str,
    folder: str,
    *,
    root: Path | None,
    device: torch.device,
    download: bool,
    fetch: Callable[[Path], object],
    validation: float,
    augment: Augment | None = None,
) -> Data:
    """Returns the dataset of four IDX files in root/<folder>/raw: 28 x 28 grey images of 10 classes."""
    files = [f"{folder}/raw/{part}-ubyte" for part in _PARTS]
    paths = locate(name, files, root=root, download=download, fetch=fetch, packed=".gz")
    train, test = _split(*paths[:2]), _split(*paths[2:])
    return tensor_data(train, test, classes=CLASSES, validation=validation, device=device, augment=augment)


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Returns the uint8 array of an IDX file: bytes 0, 0, 8, d, then d = `dimensions` sizes, then the data; all of it
    packed where the name ends in .gz.

    Raises UserError where the header or the length of the file is another.
    """
    try:
        content = path.read_bytes()
        data = np.frombuffer(gzip.decompress(content) if path.suffix == ".gz" else content, np.uint8)
    except (EOFError, OSError, zlib.error) as error:
        raise UserError(f"{path} cannot be unpacked: {first_line(error)}. Is it cut?") from error
    start = 4 + 4 * dimensions
    if len(data) < start or data[:4].tolist() != [0, 0, 8, dimensions]:
        raise UserError(
            f"{path} starts with {data[:4].tolist()}; expected [0, 0, 8, {dimensions}], an IDX file of bytes"
        )
    shape = tuple(int(size) for size in data[4:start].view(">u4"))
    expected = start + int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise UserError(f"{path} has {len(data)} bytes; expected {expected} for {shape} and its header")
    return data[start:].reshape(shape)


def _split(image_path: Path, label_path: Path) -> Arrays:
    images, labels = read_idx(image_path, 3), read_idx(label_path, 1).astype(np.int64)
    if images.shape[1:] != (28, 28):
        raise UserError(f"{image_path} has images of {images.shape[1]} x {images.shape[2]}; expected 28 x 28")
    check_labels(label_path, labels, images=len(images), classes=CLASSES)
    return images[:, None], labels


_PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
