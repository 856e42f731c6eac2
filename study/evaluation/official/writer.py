"""Writes corruption benchmarks in the published layouts, for our readers and for others'.

A file appears under its name only when it is whole, so an interrupted run is taken up by running it again:
files that are there with the right shape are skipped, and their images are not made anew. Only shapes and
labels are compared: write differently made images to another folder.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from torch import Tensor

from study.errors import UserError
from study.evaluation.official.arrays import SEVERITIES
from study.evaluation.official.parts import array, pixels

Corrupted = Callable[[str, int], Iterable[Tensor]]
"""(corruption, severity) -> batches (B, C, H, W) uint8, together the N images in the order of the labels."""
Progress = Callable[[str, int, int], None]
"""Called with a corruption's name, the images of it that are written, and how many it will have."""


def write_cifar_c(
    root: Path,
    names: Sequence[str],
    corrupted: Corrupted,
    labels: np.ndarray,
    progress: Progress,
    *,
    shape: tuple[int, int, int],
) -> None:
    """Writes `root/NAME.npy`, (5 N, H, W, C) uint8, severities 1 to 5 in order, and `root/labels.npy` (5 N,).

    labels (N,) are integers; shape is (C, H, W). UserError where a file of another shape, or other labels,
    lie in the way; ValueError where `corrupted` gives images of another shape or number.
    """
    channels, height, width = shape
    full = (SEVERITIES * len(labels), height, width, channels)
    _write_labels(root / "labels.npy", np.tile(labels, SEVERITIES))
    for name in names:
        batches = (batch for severity in range(1, SEVERITIES + 1) for batch in corrupted(name, severity))
        _write_images(root / f"{name}.npy", full, batches, partial(_tell, progress, name, full[0]))


def write_mnist_c(
    root: Path,
    severities: dict[str, int],
    corrupted: Corrupted,
    labels: np.ndarray,
    progress: Progress,
    *,
    shape: tuple[int, int, int],
    part: Literal["train", "test"] = "test",
) -> None:
    """Writes `root/NAME/PART_images.npy`, (N, H, W, C) uint8, and `PART_labels.npy`, one severity each.

    Arguments and errors as in `write_cifar_c`; `study.evaluation.official.arrays.MNIST_C` has the published
    severities.
    """
    channels, height, width = shape
    full = (len(labels), height, width, channels)
    for name, severity in severities.items():
        _write_labels(root / name / f"{part}_labels.npy", labels)
        path = root / name / f"{part}_images.npy"
        _write_images(path, full, corrupted(name, severity), partial(_tell, progress, name, full[0]))


def write_imagenet_c(
    root: Path,
    names: Sequence[str],
    corrupted: Corrupted,
    images: Sequence[tuple[str, str]],
    progress: Progress,
    *,
    shape: tuple[int, int, int],
    format: Literal["png", "jpeg"] = "png",
) -> None:
    """Writes `root/NAME/SEVERITY/CLASS/STEM.FORMAT` for each (class, stem) of `images`, in order.

    png keeps the images as they are; jpeg, at quality 85, is what ImageNet-C was published as and adds its
    own artefacts. A severity whose files are all there is not made anew. Errors as in `write_cifar_c`.
    """
    total = SEVERITIES * len(images)
    for name in names:
        for severity in range(1, SEVERITIES + 1):
            paths = [root / name / str(severity) / label / f"{stem}.{format}" for label, stem in images]
            absent = [not _is_image(path, shape) for path in paths]
            before = (severity - 1) * len(images)
            if any(absent):
                done = 0
                for batch in corrupted(name, severity):
                    for image in _rows(batch, shape):
                        if done < len(paths) and absent[done]:
                            _write_image(paths[done], image, format)
                        done += 1
                    progress(name, before + done, total)
                _check_count(done, len(images), f"{name} at severity {severity}")
            progress(name, before + len(images), total)


def _write_images(
    path: Path, full: tuple[int, ...], batches: Iterable[Tensor], progress: Callable[[int], None]
) -> None:
    """Writes the batches one after the other to the array at `path`, unless it is there."""
    if path.exists():
        pixels(path, full)
        progress(full[0])
        return
    with _whole(path) as part:
        target = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=full)
        done = 0
        for batch in batches:
            rows = _rows(batch, (full[3], full[1], full[2]))
            _check_count(min(done + len(rows), full[0]), done + len(rows), path.name)
            target[done : done + len(rows)] = rows
            done += len(rows)
            progress(done)
        _check_count(done, full[0], path.name)
        target.flush()


def _write_labels(path: Path, labels: np.ndarray) -> None:
    if path.exists():
        if not np.array_equal(array(path, labels.shape), labels):
            raise UserError(f"{path} holds other labels; expected this dataset's. Write to another folder.")
        return
    with _whole(path) as part, part.open("wb") as file:
        np.save(file, labels)


def _write_image(path: Path, image: np.ndarray, format: Literal["png", "jpeg"]) -> None:
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    with _whole(path) as part:
        picture.save(part, format=format, quality=85)


def _is_image(path: Path, shape: tuple[int, int, int]) -> bool:
    """Whether the image is there; UserError where what is there is none of this size."""
    if not path.exists():
        return False
    try:
        with Image.open(path) as file:
            size = file.size
    except (OSError, SyntaxError) as error:
        raise UserError(f"{path} cannot be read as an image ({error}); remove it to have it written anew.") from error
    if size != (shape[2], shape[1]):
        raise UserError(f"{path} has {size[0]} x {size[1]} pixels; expected {shape[2]} x {shape[1]}.")
    return True


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Gives a path to write to beside `path`, and renames it to `path` if no exception came."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _rows(batch: Tensor, shape: tuple[int, int, int]) -> np.ndarray:
    """Returns a batch as (B, H, W, C) uint8."""
    rows = batch.cpu().numpy()
    if rows.dtype != np.uint8 or rows.shape[1:] != shape:
        raise ValueError(f"expected uint8 images of shape {shape}, got {rows.dtype} of {rows.shape[1:]}")
    return rows.transpose(0, 2, 3, 1)


def _tell(progress: Progress, name: str, total: int, done: int) -> None:
    progress(name, done, total)


def _check_count(got: int, expected: int, what: str) -> None:
    if got != expected:
        raise ValueError(f"expected {expected} images of {what}, got {got}")
