"""MNIST, read from the files that torchvision downloads."""

from pathlib import Path
from typing import Annotated

import torch
import torchvision
from annotated_types import Gt, Lt

from study.datasets.core.data import Data
from study.datasets.core.idx import idx_data


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.1,
) -> Data:
    """Returns MNIST (1 x 28 x 28, 10 classes; any number of images) from root/MNIST/raw.

    root: folder that holds or shall hold MNIST/raw. download: fetch it there where it is missing.
    validation: stratified share of the training images.
    Raises UserError for missing, cut or mis-shaped files.
    """
    return idx_data(
        "mnist",
        "MNIST",
        root=root,
        device=device,
        download=download,
        fetch=lambda folder: torchvision.datasets.MNIST(str(folder), download=True),
        validation=validation,
    )


DATASET = load
