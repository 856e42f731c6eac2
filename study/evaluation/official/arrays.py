"""Readers of benchmarks published as .npy arrays: CIFAR-10-C, CIFAR-100-C and MNIST-C."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from study.errors import UserError
from study.evaluation.corruptions.catalog import BENCHMARKS
from study.evaluation.official.parts import MappedSplit, Part, array, chosen_names, class_labels, pixels

CORRUPTIONS, HELD_OUT = BENCHMARKS["common"], BENCHMARKS["extra"]
SEVERITIES = 5

MNIST_C: Mapping[str, int] = {
    "shot_noise": 5,
    "impulse_noise": 4,
    "glass_blur": 1,
    "motion_blur": 1,
    "shear": 2,
    "scale": 3,
    "rotate": 2,
    "brightness": 5,
    "translate": 3,
    "stripe": 1,
    "fog": 5,
    "spatter": 4,
    "dotted_line": 1,
    "zigzag": 1,
    "canny_edges": 1,
}
"""The fifteen corruptions of MNIST-C and the one severity of each; 1 where it has none."""


def cifar_c(
    root: Path,
    *,
    shape: tuple[int, int, int],
    classes: int,
    device: torch.device,
    corruptions: Sequence[str] | None = None,
) -> list[Part]:
    """Reads CIFAR-10-C's and CIFAR-100-C's layout: `root/CORRUPTION.npy` and `root/labels.npy`.

    An array holds five severities of N images in order, (5 N, H, W, C) uint8 (N = 10,000 as published);
    labels.npy (5 N,) repeats the labels for each, or has them once (N,). shape is the model's (C, H, W).
    corruptions: names to read; None is the published fifteen, all required, and those of the four held-out
    ones that are there. Every file is opened here, so that errors (UserError) come before the first image is read.
    """
    channels, height, width = shape
    labels = class_labels(root / "labels.npy", None, classes)
    if not len(labels):
        raise UserError(f"{root / 'labels.npy'} has no labels; expected those of five severities in order.")
    names = corruptions or chosen_names((path.stem for path in root.glob("[!.]*.npy")), CORRUPTIONS, HELD_OUT)
    if len(labels) * SEVERITIES == _rows(root / f"{names[0]}.npy"):
        labels = np.tile(labels, SEVERITIES)  # some copies have those of one severity alone
    if len(labels) % SEVERITIES:
        raise UserError(f"{root / 'labels.npy'} has {len(labels)} labels; expected those of five severities in order.")
    on_device = torch.from_numpy(labels).to(device)
    count = len(labels) // SEVERITIES
    parts = []
    for name in names:
        images = pixels(root / f"{name}.npy", (len(labels), height, width, channels))
        for i in range(SEVERITIES):
            rows = slice(i * count, (i + 1) * count)
            parts.append(Part(name, i + 1, MappedSplit(images[rows], on_device[rows])))
    return parts


def mnist_c(
    root: Path,
    *,
    shape: tuple[int, int, int],
    classes: int,
    device: torch.device,
    corruptions: Sequence[str] | None = None,
) -> list[Part]:
    """Reads MNIST-C's layout: `root/CORRUPTION/test_images.npy` (N, H, W, C) uint8 and `test_labels.npy`
    (N,).

    Each corruption has one severity, that of MNIST_C (1 for names not in it). corruptions: names to read;
    None is the published fifteen, all required. Errors as in `cifar_c`.
    """
    channels, height, width = shape
    parts = []
    for name in corruptions or MNIST_C:
        images = pixels(root / name / "test_images.npy", (None, height, width, channels))
        labels = class_labels(root / name / "test_labels.npy", len(images), classes)
        parts.append(Part(name, MNIST_C.get(name, 1), MappedSplit(images, torch.from_numpy(labels).to(device))))
    return parts


def _rows(path: Path) -> int | None:
    """Returns the number of images in a file, None where there is no such file."""
    return len(array(path, (None,) * 4)) if path.is_file() else None
