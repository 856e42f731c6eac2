"""The pre-activation residual block, and the networks' ends around it."""

from collections.abc import Callable

from torch import Tensor, nn


class PreActivationBlock(nn.Module):
    """x -> s(a) + conv(drop(relu(norm(conv(a))))), a = relu(norm(x)), both convolutions 3 x 3 without bias.

    Source: He et al. 2016 (Identity mappings in deep residual networks), figure 4e; dropout between the
    convolutions as in Zagoruyko and Komodakis 2016. The shortcut s is x itself where the shape stays, else a
    1 x 1 convolution of a. Takes (B, inside, H, W), returns (B, outside, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(self, inside: int, outside: int, stride: int, dropout: float | None = None) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.BatchNorm2d(inside), nn.ReLU())
        self.residual = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(),
            *([] if dropout is None else [nn.Dropout(dropout)]),
            nn.Conv2d(outside, outside, 3, padding=1, bias=False),
        )
        same = inside == outside and stride == 1
        self.shortcut = None if same else nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output as a new tensor."""
        active = self.enter(x)
        passed: Tensor = x if self.shortcut is None else self.shortcut(active)
        change: Tensor = self.residual(active)
        return passed + change


def residual_stage(
    inside: int,
    outside: int,
    *,
    blocks: int,
    stride: int,
    dropout: float | None = None,
    block: Callable[[int, int, int, float | None], nn.Module] = PreActivationBlock,
) -> nn.Sequential:
    """Returns `blocks` blocks, of which the first changes the channels and strides.

    block: takes the channels inside and outside, the stride and the dropout.
    """
    first = block(inside, outside, stride, dropout)
    return nn.Sequential(first, *(block(outside, outside, 1, dropout) for _ in range(blocks - 1)))


def head(width: int, classes: int, *, momentum: float = 0.1) -> nn.Sequential:
    """Returns the end of a pre-activation network: normalisation, ReLU, mean over the image, linear layer.

    momentum: share of the way that the normalisation's statistics move each batch.
    """
    return nn.Sequential(nn.BatchNorm2d(width, momentum=momentum), nn.ReLU(), *mean_head(width, classes))


def mean_head(width: int, classes: int) -> nn.Sequential:
    """Returns the mean over the image and a linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
