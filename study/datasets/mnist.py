"""MNIST in torchvision's format."""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt, Lt
from torchvision.datasets import MNIST

from study.datasets.core.data import Arrays, Data, tensor_data
from study.errors import UserError


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    validation: Annotated[float, Gt(0), Lt(1)] = 0.1,
) -> Data:
    """Returns MNIST (1 x 28 x 28, 10 classes) from root/MNIST/raw; a stratified share of train is validation.

    root: folder that holds or shall hold MNIST/. download: fetch it there when it is missing.
    Raises UserError where it is missing and may not be fetched.
    """
    root = root or Path("data")
    try:
        splits = [MNIST(str(root), train=train, download=download) for train in (True, False)]
    except RuntimeError as error:
        raise UserError(
            f"mnist is not at {root}/MNIST/raw (from --data-root). Name the folder above MNIST/raw, or add --download"
        ) from error
    train, test = (_arrays(split) for split in splits)
    return tensor_data(train, test, classes=10, validation=validation, device=device)


def _arrays(split: MNIST) -> Arrays:
    return split.data.numpy()[:, None], split.targets.numpy().astype(np.int64)


DATASET = load
