"""The convolutional network that adversarial training on MNIST is measured with."""

from torch import nn

from study.errors import UserError
from study.models.core.classifier import Classifier


class MadryMNIST(Classifier):
    """Two padded 5 x 5 convolutions (32, 64 channels; ReLU, max-pool 2), a linear layer of 1024 units.

    Source: Madry et al. 2018, section 5; also Rusak et al. 2020 on MNIST. 3,274,634 parameters for 28 x 28 x
    1 and 10 classes. Images of 4 x 4 and more; raises UserError for smaller ones.
    Stages: normalise; first convolution; second; the linear layers.
    """

    def __init__(self, *, shape: tuple[int, int, int], classes: int) -> None:
        channels, height, width = shape
        if min(height, width) < 4:
            raise UserError(f"madry_mnist takes images of 4 x 4 or more; the dataset's are {height} x {width}")
        super().__init__(
            nn.Sequential(nn.Conv2d(channels, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Sequential(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Sequential(
                nn.Flatten(),
                nn.Linear(64 * (height // 4) * (width // 4), 1024),
                nn.ReLU(),
                nn.Linear(1024, classes),
            ),
        )


MODEL = MadryMNIST
