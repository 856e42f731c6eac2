"""A shallow fully connected network, for points in the plane and other small inputs."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from study.models.core.classifier import Classifier


class ToyMLP(Classifier):
    """`layers` hidden layers of `hidden` ReLU units on the flattened image, of any size.

    Source: Erichson et al. 2022, appendix A, a shallow network with ReLU; the number of units there is not known.
    Stages: normalise; one for each hidden layer; the last linear layer.
    hidden: units of a hidden layer. layers: number of hidden layers.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        classes: int,
        hidden: Annotated[int, Ge(1)] = 16,
        layers: Annotated[int, Ge(1)] = 1,
    ) -> None:
        channels, height, width = shape
        sizes = [channels * height * width, *[hidden] * layers]
        super().__init__(
            *(
                nn.Sequential(nn.Flatten(), nn.Linear(inside, outside), nn.ReLU())
                for inside, outside in zip(sizes, sizes[1:], strict=False)
            ),
            nn.Linear(hidden, classes),
        )


MODEL = ToyMLP
