"""CIFAR-10, read from the files that torchvision downloads."""

from pathlib import Path
from typing import Annotated

import torch
import torchvision
from annotated_types import Ge, Gt, Le, Lt

from study.datasets.core.cifar import cifar_data
from study.datasets.core.data import Data


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.1,
    pad: Annotated[int, Ge(1)] | None = 4,
    flip: Annotated[float, Gt(0), Le(1)] | None = 0.5,
) -> Data:
    """Returns CIFAR-10 (3 x 32 x 32, 10 classes; any number of images) from root/cifar-10-batches-py.

    root: folder that holds or shall hold cifar-10-batches-py. download: fetch it there where it is missing.
    validation: stratified share of the training images. pad, flip: random crop of training images after
    padding by so many pixels, and their chance of being mirrored (see `crop_and_flip`); None is off.
    Raises UserError for missing, cut or mis-shaped files.
    """
    return cifar_data(
        "cifar10",
        train=[f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6)],
        test=["cifar-10-batches-py/test_batch"],
        key="labels",
        classes=10,
        root=root,
        device=device,
        download=download,
        fetch=lambda folder: torchvision.datasets.CIFAR10(str(folder), download=True),
        validation=validation,
        pad=pad,
        flip=flip,
    )


DATASET = load
