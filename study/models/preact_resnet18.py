"""The pre-activation ResNet-18 for small images."""

from typing import Annotated

from annotated_types import Ge
from torch import nn

from study.models.core.classifier import Classifier
from study.models.core.residual import head, residual_stage


class PreActResNet18(Classifier):
    """A 3 x 3 stem, four stages of two pre-activation blocks (w, 2w, 4w, 8w channels), a linear layer.

    Source: He et al. 2016 (Identity mappings in deep residual networks), with the stem for CIFAR. The ResNet-18 of
    Erichson et al. 2022's tables differs in its shortcuts and its end: it is `noisymix_resnet18`. 11.17 M
    parameters at width 64, 3 channels and 10 classes. Any image size. Stages: normalise; stem and residual stage 1;
    stage 2; stage 3; stage 4 and head.
    width: channels of the first stage.
    """

    def __init__(self, *, shape: tuple[int, int, int], classes: int, width: Annotated[int, Ge(1)] = 64) -> None:
        super().__init__(
            nn.Sequential(
                nn.Conv2d(shape[0], width, 3, padding=1, bias=False),
                residual_stage(width, width, blocks=2, stride=1),
            ),
            residual_stage(width, 2 * width, blocks=2, stride=2),
            residual_stage(2 * width, 4 * width, blocks=2, stride=2),
            nn.Sequential(
                residual_stage(4 * width, 8 * width, blocks=2, stride=2),
                head(8 * width, classes),
            ),
        )


MODEL = PreActResNet18
