"""CIFAR-100, read from the files that torchvision downloads."""

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
    """Returns CIFAR-100 (3 x 32 x 32, 100 fine classes; any number of images) from root/cifar-100-python.

    root: folder that holds or shall hold cifar-100-python. download: fetch it there where it is missing.
    validation: stratified share of the training images. pad, flip: random crop of training images after
    padding by so many pixels, and their chance of being mirrored (see `crop_and_flip`); None is off.
    Raises UserError for missing, cut or mis-shaped files.
    """
    return cifar_data(
        "cifar100",
        train=["cifar-100-python/train"],
        test=["cifar-100-python/test"],
        key="fine_labels",
        classes=100,
        root=root,
        device=device,
        download=download,
        fetch=lambda folder: torchvision.datasets.CIFAR100(str(folder), download=True),
        validation=validation,
        pad=pad,
        flip=flip,
    )


DATASET = load
