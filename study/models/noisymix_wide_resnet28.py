"""The wide residual network that NoisyMix's code builds."""

from typing import Annotated

from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from study.models.core.classifier import Classifier
from study.models.core.residual import head, residual_stage


class LateStrideBlock(nn.Module):
    """x -> s(x) + conv(relu(norm(drop(conv(relu(norm(x))))))): convolutions with biases, the second one strides.

    The shortcut s takes x itself: x where the shape stays, else a 1 x 1 convolution of x. Takes (B, inside, H, W),
    returns (B, outside, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(self, inside: int, outside: int, stride: int, dropout: float | None) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(inside),
            nn.ReLU(),
            nn.Conv2d(inside, outside, 3, padding=1),
            *([] if dropout is None else [nn.Dropout(dropout)]),
            nn.BatchNorm2d(outside),
            nn.ReLU(),
            nn.Conv2d(outside, outside, 3, stride, padding=1),
        )
        same = inside == outside and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inside, outside, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output as a new tensor."""
        passed: Tensor = self.shortcut(x)
        change: Tensor = self.residual(x)
        return passed + change


class NoisyMixWideResNet28(Classifier):
    """A 3 x 3 stem, three stages of four blocks (16k, 32k, 64k channels), a linear layer.

    Source: the `wide_resnet` of Erichson et al. 2022 (NoisyMix). Unlike Zagoruyko and Komodakis' (`wide_resnet28`),
    shortcuts take x, the second convolution strides, convolutions have biases, dropout comes right after the first
    convolution, and the last normalisation's statistics move by 0.9 of the way each batch. The paper says k = 2; its
    code has k = 4 and dropout 0.1. Any image size. Stages: normalise; stem and residual stage 1; stage 2; stage 3;
    head.
    k: factor of the width. dropout: rate after the first convolution of each block; None is off.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        classes: int,
        k: Annotated[int, Ge(1)] = 2,
        dropout: Annotated[float, Gt(0), Lt(1)] | None = None,
    ) -> None:
        super().__init__(
            nn.Sequential(nn.Conv2d(shape[0], 16, 3, padding=1), _stage(16, 16 * k, 1, dropout)),
            _stage(16 * k, 32 * k, 2, dropout),
            _stage(32 * k, 64 * k, 2, dropout),
            head(64 * k, classes, momentum=0.9),
        )


def _stage(inside: int, outside: int, stride: int, dropout: float | None) -> nn.Sequential:
    return residual_stage(inside, outside, blocks=4, stride=stride, dropout=dropout, block=LateStrideBlock)


MODEL = NoisyMixWideResNet28
