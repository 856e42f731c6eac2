"""Fashion-MNIST, read from the files that torchvision downloads."""

from pathlib import Path
from typing import Annotated

import torch
import torchvision
from annotated_types import Ge, Gt, Le, Lt

from study.datasets.core.augment import crop_and_flip
from study.datasets.core.data import Data
from study.datasets.core.idx import idx_data


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.1,
    pad: Annotated[int, Ge(1)] | None = None,
    flip: Annotated[float, Gt(0), Le(1)] | None = None,
) -> Data:
    """Returns Fashion-MNIST (1 x 28 x 28, 10 classes; any number of images) from root/FashionMNIST/raw.

    root: folder that holds or shall hold FashionMNIST/raw. download: fetch it there where it is missing.
    validation: stratified share of the training images. pad, flip: see `crop_and_flip`; None is off.
    Raises UserError for missing, cut or mis-shaped files.
    """
    return idx_data(
        "fashion_mnist",
        "FashionMNIST",
        root=root,
        device=device,
        download=download,
        fetch=lambda folder: torchvision.datasets.FashionMNIST(str(folder), download=True),
        validation=validation,
        augment=crop_and_flip(pad, flip),
    )


DATASET = load
