"""The small convolutional network of the embedded default."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from study.models.core.classifier import Classifier


class SmallCNN(Classifier):
    """Two 3x3 convolutions (ReLU, the second pooled by 2) and a hidden layer, for images from 8 x 8 to 32 x 32.

    width: channels of the first convolution, doubled in the second. hidden: units of the hidden layer.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        classes: int,
        width: Annotated[int, Ge(1)] = 16,
        hidden: Annotated[int, Ge(1)] = 64,
    ) -> None:
        channels, height, rows = shape
        super().__init__(
            nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Sequential(
                nn.Flatten(),
                nn.Linear(2 * width * (height // 2) * (rows // 2), hidden),
                nn.ReLU(),
                nn.Linear(hidden, classes),
            ),
        )


MODEL = SmallCNN
