"""The embedded default: scikit-learn's handwritten digits, 1,797 real images of 8 x 8."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Lt, MinLen
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from study.datasets.core.data import Arrays, Data, tensor_data
from study.errors import UserError


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.2,
    labels: Annotated[tuple[Annotated[int, Ge(0), Le(9)], ...], MinLen(2)] | None = None,
) -> Data:
    """Returns the digits (1 x 8 x 8, 10 classes) in three stratified splits: 599 for test, the rest for the others.

    root, download: not needed, the images come with scikit-learn. validation: share of the non-test images.
    labels: the digits that are kept, and become classes 0, 1, ... in this order; None: all ten. Raises UserError where
    one is named twice.
    """
    images, targets = load_digits(return_X_y=True)
    images = np.rint(images.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    fit_x, test_x, fit_y, test_y = train_test_split(
        images, targets.astype(np.int64), test_size=1 / 3, stratify=targets, random_state=0
    )
    fit, test, classes = (fit_x, fit_y), (test_x, test_y), 10
    if labels is not None:
        if len(set(labels)) < len(labels):
            raise UserError(f"digits.labels is {list(labels)}; every digit may be named once")
        fit, test, classes = chosen(fit, labels), chosen(test, labels), len(labels)
    return tensor_data(fit, test, classes=classes, validation=validation, device=device)


def chosen(split: Arrays, labels: Sequence[int]) -> Arrays:
    """Returns the images of these labels, which become 0, 1, ... in the order given."""
    matches = split[1][:, None] == np.array(labels)
    wanted = matches.any(axis=1)
    return split[0][wanted], matches[wanted].argmax(axis=1).astype(np.int64)


DATASET = load
