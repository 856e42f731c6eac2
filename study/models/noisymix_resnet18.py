"""The ResNet-18 that NoisyMix's code builds."""

from typing import Annotated

from annotated_types import Ge
from torch import Tensor, nn

from study.models.core.classifier import Classifier
from study.models.core.residual import PreActivationBlock, mean_head, residual_stage


class ActiveShortcutBlock(PreActivationBlock):
    """x -> s(a) + conv(relu(norm(conv(a)))), a = relu(norm(x)): the shortcut takes a also where the shape stays.

    So no path passes the block without normalisation and ReLU. Shapes as in `PreActivationBlock`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output as a new tensor."""
        active = self.enter(x)
        passed: Tensor = active if self.shortcut is None else self.shortcut(active)
        change: Tensor = self.residual(active)
        return passed + change


class NoisyMixResNet18(Classifier):
    """A 3 x 3 stem, four stages of two blocks (w, 2w, 4w, 8w channels), the mean over the image, a linear layer.

    Source: the `preresnet` of Erichson et al. 2022 (NoisyMix), whose tables call it ResNet-18. Unlike He et al.'s
    (`preact_resnet18`), every shortcut takes relu(norm(x)), and no normalisation and ReLU come before the mean.
    11.17 M parameters at width 64, 3 channels and 10 classes. Any image size. Stages: normalise; stem and residual
    stage 1; stage 2; stage 3; stage 4 and head.
    width: channels of the first stage.
    """

    def __init__(self, *, shape: tuple[int, int, int], classes: int, width: Annotated[int, Ge(1)] = 64) -> None:
        super().__init__(
            nn.Sequential(nn.Conv2d(shape[0], width, 3, padding=1, bias=False), _stage(width, width, 1)),
            _stage(width, 2 * width, 2),
            _stage(2 * width, 4 * width, 2),
            nn.Sequential(_stage(4 * width, 8 * width, 2), *mean_head(8 * width, classes)),
        )


def _stage(inside: int, outside: int, stride: int) -> nn.Sequential:
    return residual_stage(inside, outside, blocks=2, stride=stride, block=ActiveShortcutBlock)


MODEL = NoisyMixResNet18
