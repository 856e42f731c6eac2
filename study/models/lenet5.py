"""LeNet-5, as it is built today."""

from torch import nn

from study.errors import UserError
from study.models.core.classifier import Classifier


class LeNet5(Classifier):
    """Two 5 x 5 convolutions (6, 16 channels; ReLU, max-pool 2), linear layers of 120, 84, `classes` units.

    Source: LeCun et al. 1998, with ReLU for tanh and max for mean. 61,706 parameters for 1 channel and 10
    classes. Images are 32 x 32, or 28 x 28 and padded by 2. Raises UserError for other sizes.
    Stages: normalise; first convolution; second; the linear layers.
    """

    def __init__(self, *, shape: tuple[int, int, int], classes: int) -> None:
        if shape[1:] not in {(28, 28), (32, 32)}:
            raise UserError(f"lenet5 takes images of 28 x 28 or 32 x 32; the dataset's are {shape[1]} x {shape[2]}")
        padding = (32 - shape[1]) // 2
        super().__init__(
            nn.Sequential(nn.Conv2d(shape[0], 6, 5, padding=padding), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Sequential(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Sequential(
                nn.Flatten(),
                nn.Linear(400, 120),
                nn.ReLU(),
                nn.Linear(120, 84),
                nn.ReLU(),
                nn.Linear(84, classes),
            ),
        )


MODEL = LeNet5
