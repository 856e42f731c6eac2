"""What a dataset is to the platform: three splits, their shape, and a fingerprint of the bytes."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Generator, Tensor

from study.errors import UserError

Augment = Callable[[Tensor, Generator], Tensor]
Arrays = tuple[np.ndarray, np.ndarray]
"""Images (N, C, H, W) uint8 and labels (N,) int64."""


class Split(Protocol):
    """One of train, validation and test; `trainers.core.method.Batches` is the training loop's view of it."""

    def __len__(self) -> int:
        """Number of images."""

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """See `trainers.core.method.Batches.batches`."""


@dataclass(frozen=True)
class TensorSplit:
    """A split that lives on the training device as uint8 (N, C, H, W) with labels (N,) int64."""

    images: Tensor
    labels: Tensor
    augment: Augment | None = None

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> "TensorSplit":
        """Returns the split on another device."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def every(self, step: int) -> "TensorSplit":
        """Returns every step-th image, the first among them."""
        return replace(self, images=self.images[::step], labels=self.labels[::step])

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields batches in [0, 1]: permuted, augmented and full with `rng`, else in order, as they are."""
        if rng is None:
            for start in range(0, len(self), size):
                yield to_float(self.images[start : start + size]), self.labels[start : start + size]
            return
        order = torch.randperm(len(self), generator=rng, device=self.images.device)
        size = min(size, len(self))
        for start in range(0, len(self) - size + 1, size):
            chosen = order[start : start + size]
            x = to_float(self.images[chosen])
            yield (self.augment(x, rng) if self.augment else x), self.labels[chosen]


@dataclass(frozen=True)
class Data:
    """A dataset, loaded. Selection of any kind looks at `validation`; `test` is for the report alone."""

    train: Split
    validation: Split
    test: Split
    classes: int
    shape: tuple[int, int, int]
    """Channels, height, width."""
    fingerprint: str
    """Hash of every image and label in order, of all splits; the same wherever the data is loaded."""

    def to(self, device: torch.device) -> "Data":
        """Returns the dataset with all its splits, which a dataset's own can do, on another device."""
        splits = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **splits)

    def for_selection(self, images: int | None = None) -> "Data":
        """Returns what a selection may see: validation stands in the place of test, which is not there.

        images: of a larger validation split only every k-th image stands there, so that at most so many are left. Which
        ones is part of the dataset, and the same for every trial.
        """
        step = 1 if images is None else -(-len(self.validation) // images)
        part = "" if step == 1 else f"-{step}"
        return replace(self, test=every(self.validation, step), fingerprint=f"{self.fingerprint}-validation{part}")


@dataclass(frozen=True)
class Thinned:
    """Every step-th image of a split that cannot leave images out by itself: all are read."""

    split: Split
    step: int

    def __len__(self) -> int:
        return -(-len(self.split) // self.step)

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields the images in order; there is no training on them."""
        assert rng is None, "a part for measurements alone"
        start = 0
        for x, y in self.split.batches(size):
            yield x[-start % self.step :: self.step], y[-start % self.step :: self.step]
            start += len(x)


def every(split: Split, step: int) -> Split:
    """Returns every step-th image of a split, the first among them."""
    if step == 1:
        return split
    own = getattr(split, "every", None)
    return own(step) if own is not None else Thinned(split, step)


def to_float(images: Tensor) -> Tensor:
    """Returns uint8 images as float32 in [0, 1]."""
    return images.float().div_(255)


def tensor_data(
    train: Arrays,
    test: Arrays,
    *,
    classes: int,
    validation: float,
    device: torch.device,
    augment: Augment | None = None,
) -> Data:
    """Builds a `Data` from whole arrays, on the device; a stratified share of `train` becomes validation.

    The split is by a fixed seed: it is part of the dataset and does not change from trial to trial.
    """
    rest, held = hold_out(train[1], validation)
    splits = [(train[0][rest], train[1][rest]), (train[0][held], train[1][held]), test]
    channels, height, width = train[0].shape[1:]
    kept_split, held_split, test_split = (on_device(split, device) for split in splits)
    return Data(
        replace(kept_split, augment=augment),
        held_split,
        test_split,
        classes=classes,
        shape=(channels, height, width),
        fingerprint=fingerprint(splits),
    )


def on_device(split: Arrays, device: torch.device) -> TensorSplit:
    """Returns the images and labels as a split that lives on the device."""
    images, labels = (torch.from_numpy(array).to(device) for array in split)
    return TensorSplit(images, labels)


def hold_out(labels: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices (rest, held) of a stratified split of labels (N,) by a fixed seed; `share` is held.

    Raises UserError where a class has fewer than two images, or a side fewer images than there are classes.
    """
    # Where a dataset is made, not where it is used: workers are spared scikit-learn's start.
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    try:
        split = train_test_split(np.arange(len(labels)), test_size=share, stratify=labels, random_state=0)
    except ValueError as error:
        raise UserError(
            f"cannot hold out validation = {share} of {len(labels)} training images of"
            f" {len(np.unique(labels))} classes; every class needs an image on both sides: {error}"
        ) from error
    return split[0], split[1]


def fingerprint(splits: list[Arrays]) -> str:
    """Returns 16 hex digits of SHA-256 over shapes, images and labels of the splits, in order."""
    digest = hashlib.sha256()
    for images, labels in splits:
        digest.update(repr((images.shape, images.dtype.str, labels.dtype.str)).encode())
        digest.update(np.ascontiguousarray(images).data)
        digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()[:16]
