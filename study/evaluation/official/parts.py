"""What every reader of a published benchmark returns, and the splits that read arrays and files as they are
needed.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset

from study.datasets.core.data import Split, to_float
from study.datasets.core.local_files import hidden
from study.errors import UserError

Loaded = tuple[np.ndarray, np.ndarray] | UserError
"""A batch as worker processes send it: tensors would go through shared memory, of which containers have little."""


class Part(NamedTuple):
    """One corruption at one severity; nothing of it is in memory before `split.batches`."""

    corruption: str
    severity: int
    split: Split
    outputs: Tensor | None = None
    """Indices of the model's outputs that take part, in the order of the split's labels; None is all of them.
    """


def chunks(count: int, size: int, rng: Generator | None) -> list[np.ndarray]:
    """Returns the indices of each batch: all in order, or permuted and full where there is a generator."""
    if rng is None:
        return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]
    order = torch.randperm(count, generator=rng, device=rng.device).cpu().numpy()
    size = min(size, count)
    return [order[start : start + size] for start in range(0, count - size + 1, size)]


@dataclass(frozen=True)
class MappedSplit:
    """Images (N, H, W, C) uint8 that stay in their mapped file, with labels (N,) int64 on the device."""

    images: np.ndarray
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """As `study.datasets.core.data.TensorSplit.batches`; only the batch is read."""
        for chosen in chunks(len(self), size, rng):
            images = torch.from_numpy(self.images[chosen]).to(self.labels.device)
            yield (
                to_float(images.permute(0, 3, 1, 2)),
                self.labels[torch.from_numpy(chosen).to(self.labels.device)],
            )


@dataclass(frozen=True)
class Files(Dataset[Loaded]):
    """Files with labels, loaded a batch at a time in the DataLoader's processes."""

    paths: Sequence[Path]
    labels: Sequence[int]
    load: Callable[[Path], Tensor]

    def __getitems__(self, chosen: Sequence[int]) -> Loaded:
        """Returns stacked uint8 images and labels; an error comes back as a value.

        Raised in a worker process it would reach the user inside a page of traceback.
        """
        try:
            loaded = [self.load(self.paths[i]) for i in chosen]
            for i, tensor in zip(chosen, loaded, strict=True):
                if tensor.shape != loaded[0].shape:
                    raise UserError(
                        f"{self.paths[i]} has shape {tuple(tensor.shape)}, "
                        f"its neighbour {self.paths[chosen[0]]} has {tuple(loaded[0].shape)}."
                    )
        except UserError as error:
            return error
        return torch.stack(loaded).numpy(), np.array([self.labels[i] for i in chosen])


def stream(
    files: Files, batches: Iterable[np.ndarray], workers: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields (float tensors in [0, 1], labels) on the device, a batch of indices each."""
    loader = DataLoader(
        files,
        batch_sampler=[chosen.tolist() for chosen in batches],
        collate_fn=_as_loaded,
        num_workers=workers,
    )
    for loaded in loader:
        if isinstance(loaded, UserError):
            raise loaded
        images, labels = map(torch.from_numpy, loaded)
        yield to_float(images.to(device, non_blocking=True)), labels.to(device, non_blocking=True)


def _as_loaded(loaded: Any) -> Any:  # a whole batch from `__getitems__`, where torch expects a list
    return loaded


def array(path: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """Opens an .npy file of integers, memory-mapped and without pickle; None in `shape` is any length.

    UserError, naming the file and what was expected, where it is absent, truncated, not an array, or of
    another shape.
    """
    expected = f"an .npy array of integers of shape ({', '.join('any' if n is None else str(n) for n in shape)})"
    if not path.is_file():
        raise missing(path, expected)
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path} cannot be read ({error}); expected {expected}. Is it truncated?") from error
    if not isinstance(loaded, np.ndarray) or loaded.dtype.kind not in "ui":
        raise UserError(f"{path} holds {getattr(loaded, 'dtype', 'an archive')}; expected {expected}.")
    if len(loaded.shape) != len(shape) or any(n not in (None, m) for n, m in zip(shape, loaded.shape, strict=True)):
        raise UserError(f"{path} has shape {loaded.shape}; expected {expected}.")
    return loaded


def pixels(path: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """Opens an .npy file of images as `array` does; UserError where it is not uint8."""
    images = array(path, shape)
    if images.dtype != np.uint8:
        raise UserError(f"{path} holds {images.dtype}; expected uint8 images.")
    return images


def class_labels(path: Path, count: int | None, classes: int) -> np.ndarray:
    """Opens labels (count,) and returns them as int64; UserError where one is outside [0, classes)."""
    labels = np.array(array(path, (count,)), dtype=np.int64)
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise UserError(f"{path} has labels from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}.")
    return labels


def missing(path: Path, expected: str) -> UserError:
    """Returns the error for an absent file or folder, with the nearest name that is there."""
    if not path.parent.is_dir():
        return UserError(f"{path.parent} is not a folder; expected in it {path.name}, {expected}.")
    near = difflib.get_close_matches(path.name, [other.name for other in path.parent.iterdir()], 1)
    hint = f" Is it {near[0]}?" if near else ""
    return UserError(f"{path} is missing; expected {expected}.{hint}")


def folders(root: Path, expected: str) -> list[str]:
    """Returns the sorted names of root's subfolders; UserError where there are none."""
    if not root.is_dir():
        raise missing(root, expected)
    names = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not hidden(entry.name))
    if not names:
        raise UserError(f"{root} has no folders; expected {expected}.")
    return names


def chosen_names(present: Iterable[str], required: Sequence[str], extra: Sequence[str]) -> list[str]:
    """Returns what to read when nothing is named: all of `required`, and what is there of `extra`."""
    there = set(present)
    return [*required, *(name for name in extra if name in there)]
