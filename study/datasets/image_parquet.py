"""Images in Parquet, as dataset hubs publish them: a struct with the encoded bytes, and a label."""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from annotated_types import Ge, Gt, Le, Lt

from study.datasets.core.augment import crop_and_flip
from study.datasets.core.data import Arrays, Data, fingerprint, hold_out, on_device, tensor_data
from study.datasets.core.decode import decode, pixels
from study.datasets.core.local_files import DEFAULT_ROOT, check_labels, first_line
from study.datasets.core.mixed import with_stylised
from study.errors import UserError

HASH = r"(?<=-of-\d{5})-[0-9a-f]{16}$"
"""What the hub once put behind the numbers of a shard."""
ROWS = 1000
"""Encoded images held in memory at a time, beside the decoded ones."""


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.1,
    test: str = "test",
    image: str | None = None,
    label: str | None = None,
    channels: Literal[1, 3] | None = None,
    pad: Annotated[int, Ge(1)] | None = None,
    flip: Annotated[float, Gt(0), Le(1)] | None = None,
    renumber: bool = False,
    stylised: str | None = None,
    p_stylised: Annotated[float, Gt(0), Lt(1)] = 0.3,
) -> Data:
    """Returns the images of root/train.parquet and root/test.parquet, decoded once and kept on the device.

    Hub names, train-00000-of-00002.parquet and so on, in root or root/data, are found as well, also with a hash.
    The labels are 0 to classes - 1; all images must be of one size.

    root: folder of the files. download: not possible, there is no one place.
    validation: stratified share of train. test: the name that the test split's files start with.
    image, label: names of the columns; None finds the only one of encoded bytes or of whole numbers.
    channels: convert to grey or RGB; None keeps what is stored.
    pad, flip: see `crop_and_flip`; None is off.
    stylised: the name that files of restyled training images start with, a row for each of train's, in its order.
    Versions of validation images are left out. None is off. See `study.datasets.core.mixed`.
    renumber: whether labels become 0, 1, ... in their order, such as where they begin with 1 or have gaps.
    p_stylised: share of each training batch, at its start, that is stylised; augmented like the others.
    Raises UserError for missing, cut or ill-typed files, undecodable images and images of different sizes.
    """
    root = root or DEFAULT_ROOT
    train_files, test_files = _files(root, "train"), _files(root, test)
    train_set, test_set = (_split(files, image, label, channels) for files in (train_files, test_files))
    if train_set[0].shape[1:] != test_set[0].shape[1:]:
        raise UserError(
            f"{root} has images of {train_set[0].shape[1:]} in train and {test_set[0].shape[1:]} in {test};"
            " all must be of one size (channels, height, width)"
        )
    if renumber:
        values = np.unique(train_set[1])
        train_set, test_set = (_renumbered(split, values, root) for split in (train_set, test_set))
    check_used(train_files[0], train_set[1])
    classes = int(train_set[1].max()) + 1
    check_labels(test_files[0], test_set[1], images=len(test_set[0]), classes=classes)
    augment = crop_and_flip(pad, flip)
    data = tensor_data(train_set, test_set, classes=classes, validation=validation, device=device, augment=augment)
    if stylised is None:
        return data
    files = _files(root, stylised)
    x, y = _split(files, image, label, channels)
    if x.shape != train_set[0].shape or not np.array_equal(y, train_set[1]):
        raise UserError(
            f"{files[0]} has images of {x.shape} with labels of its own; expected {train_set[0].shape}, a row for"
            " each of train's, in its order"
        )
    training, _ = hold_out(y, validation)
    restyled = replace(on_device((x[training], y[training]), device), augment=augment)
    return with_stylised(data, restyled, p_stylised, fingerprint([(x, y)]).encode())


def _renumbered(split: Arrays, values: np.ndarray, root: Path) -> Arrays:
    """Returns the split with each label as its place among the values of train's."""
    if unknown := sorted(set(split[1].tolist()) - set(values.tolist())):
        raise UserError(f"{root} has the label {unknown[0]} in test and not in train, so it cannot be renumbered")
    return split[0], np.searchsorted(values, split[1])


def check_used(path: Path, labels: np.ndarray) -> None:
    """Raises UserError where a label from 0 to the highest has no image: labels that begin with 1, or have gaps."""
    used = np.unique(labels)
    if len(used) != used[-1] + 1:
        absent = next(i for i in range(int(used[-1]) + 1) if i not in used)
        raise UserError(
            f"{path} has labels {', '.join(map(str, used[:4]))}{', ...' if len(used) > 4 else ''} and no image of the "
            f"label {absent}; expected each from 0 to {used[-1]}. Renumber them with --set data.renumber=true"
        )


def _files(root: Path, part: str) -> list[Path]:
    """Returns root/part.parquet, or all the shards part-i-of-n.parquet in root or root/data."""
    whole = root / f"{part}.parquet"
    if whole.is_file():
        return [whole]
    shards = sorted([*root.glob(f"{part}-*-of-*.parquet"), *root.glob(f"data/{part}-*-of-*.parquet")])
    named = [re.sub(HASH, "", shard.stem) for shard in shards]
    if not shards:
        raise UserError(f"image_parquet has no file {whole}, nor {part}-00000-of-00001.parquet there or in data/")
    count = named[0].rpartition("-")[2]
    complete = [f"{part}-{i:05}-of-{count}" for i in range(int(count))] if count.isdecimal() else []
    if named != complete:
        raise UserError(f"{shards[0].parent} has {len(shards)} {part} shards; expected {count}, numbered from 00000")
    return shards


def _split(files: list[Path], image: str | None, label: str | None, channels: int | None) -> Arrays:
    images: list[np.ndarray] = []
    labels: list[int] = []
    for file in files:
        try:
            with pq.ParquetFile(file) as table:
                image_name = _column(table.schema_arrow, file, "image", image)
                label_name = _column(table.schema_arrow, file, "label", label)
                for rows in table.iter_batches(ROWS, columns=[image_name, label_name]):
                    _decode(rows[image_name].to_pylist(), file, channels, images)
                    labels += rows[label_name].to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{file} is cut or no Parquet file: {first_line(error)}") from error
    if None in labels:
        raise UserError(f"{files[0]} has rows without a label; every image needs one")
    numbers = np.array(labels, dtype=np.int64)
    check_labels(files[0], numbers, images=len(images), classes=int(numbers.max(initial=0)) + 1)
    return np.stack(images), numbers


def _decode(rows: list[object], file: Path, channels: int | None, images: list[np.ndarray]) -> None:
    """Appends the images of the rows to `images`."""
    for row in rows:
        where = f"image {len(images)} of {file.name} in {file.parent}"
        data = row.get("bytes") if isinstance(row, dict) else row
        if not isinstance(data, bytes):
            raise UserError(f"{where} has no bytes; images by path alone are not read")
        array = pixels(decode(io.BytesIO(data), where, channels))
        if images and array.shape != images[0].shape:
            raise UserError(f"{where} is {array.shape}, the first {images[0].shape}; all must be of one size")
        images.append(array)


def _column(schema: pa.Schema, file: Path, kind: str, name: str | None) -> str:
    """Returns the name of the image or label column: the one that is named, or the only one of its type."""
    fits = _is_encoded if kind == "image" else _is_whole
    fitting = [field.name for field in schema if fits(field) and name in (None, field.name)]
    if len(fitting) == 1:
        return str(fitting[0])
    wanted = {"image": "encoded bytes (binary, or a struct of binary 'bytes')", "label": "whole numbers"}[kind]
    called = "" if name is None else f" called {name!r}"
    choice = f"; choose one by `{kind}`" if fitting else ""
    columns = ", ".join(f"{field.name} ({field.type})" for field in schema)
    raise UserError(f"{file} has {len(fitting)} columns of {wanted}{called}, expected 1. Columns: {columns}{choice}")


def _is_whole(field: pa.Field) -> bool:
    return bool(pa.types.is_integer(field.type))


def _is_encoded(field: pa.Field) -> bool:
    if pa.types.is_struct(field.type):
        return any(child.name == "bytes" and _is_encoded(child) for child in field.type)
    return bool(pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type))


DATASET = load
