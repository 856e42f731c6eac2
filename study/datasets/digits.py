"""The embedded default: scikit-learn's handwritten digits, 1,797 real images of 8 x 8."""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt, Lt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from study.datasets.core.data import Data, tensor_data


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.2,
) -> Data:
    """Returns the digits (1 x 8 x 8, 10 classes) in three stratified splits: 599 for test, the rest for the others.

    root, download: not needed, the images come with scikit-learn. validation: share of the non-test images.
    """
    images, labels = load_digits(return_X_y=True)
    images = np.rint(images.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    fit_x, test_x, fit_y, test_y = train_test_split(
        images, labels.astype(np.int64), test_size=1 / 3, stratify=labels, random_state=0
    )
    return tensor_data((fit_x, fit_y), (test_x, test_y), classes=10, validation=validation, device=device)


DATASET = load
