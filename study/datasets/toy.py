"""Two noisy rings in the plane: the toy set on which decision boundaries can be drawn."""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Lt
from sklearn.datasets import make_circles

from study.datasets.core.data import Arrays, Data, fingerprint, on_device

EXTENT = 2.0
"""The square [-2, 2]^2 of the plane is the pixel range [0, 1]^2."""


def load(
    *,
    root: Path | None = None,
    device: torch.device,
    download: bool = False,
    points: Annotated[int, Ge(2)] = 250,
    factor: Annotated[float, Gt(0), Lt(1)] = 0.5,
    noise: Annotated[float, Ge(0), Le(1)] = 0.2,
) -> Data:
    """Returns points (2 x 1 x 1, 2 classes) on circles of radius 1 and `factor`, blurred by N(0, noise^2).

    Source: Erichson et al. 2022, appendix A: 250 training and 250 test points, scale factor 0.5, noise 0.2.
    These are the terms of scikit-learn's make_circles; the polygon that the paper mentions is not given, so
    rings stand for it. Validation is another draw of the same size: selection takes nothing from training.

    A point p of the plane is the image (p + 2) / 4, in 8 bits as all images are: a grid of 4/255 = 0.016, far
    below `noise`. A model's normalisation turns it into p / 2, and a sigma in pixel units is 4 sigma in the
    plane. What lies outside [-2, 2]^2 (5 standard deviations off, by default) is moved to its edge.

    root, download: not needed. points: per split. factor: inner radius. noise: its deviation in the plane.
    """
    splits = [_draw(points, factor, noise, seed) for seed in range(3)]
    train, validation, test = (on_device(split, device) for split in splits)
    return Data(train, validation, test, classes=2, shape=(2, 1, 1), fingerprint=fingerprint(splits))


def _draw(points: int, factor: float, noise: float, seed: int) -> Arrays:
    plane, labels = make_circles(points, factor=factor, noise=noise, random_state=seed)
    images = np.clip((plane + EXTENT) / (2 * EXTENT), 0, 1).reshape(-1, 2, 1, 1)
    return np.rint(images * 255).astype(np.uint8), labels.astype(np.int64)


DATASET = load
