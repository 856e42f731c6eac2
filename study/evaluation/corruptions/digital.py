"""Digital corruptions of ImageNet-C."""

from torch import Generator, Tensor

from study.evaluation.corruptions import linear
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level, Levels, column


def contrast(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """(x - mean) * c + mean, the mean of each channel of each image. level: (c)."""
    mean = x.mean((2, 3), keepdim=True)
    return (x - mean) * level[0] + mean


def pixelate(x: Tensor, level: Level, rng: Generator) -> Tensor:  # noqa: ARG001
    """Box resize to floor(c * side) and back. level: (c)."""
    height, width = x.shape[-2:]
    rows, columns = (
        linear.box_matrix(small, n, x) @ linear.box_matrix(n, small, x)
        for n, small in ((height, max(1, int(height * level[0]))), (width, max(1, int(width * level[0]))))
    )
    return linear.separable(x, rows, columns)


CORRUPTIONS = (
    Corruption(
        "contrast",
        "digital",
        contrast,
        Levels(floors=(None,), cifar=column(0.75, 0.5, 0.4, 0.3, 0.15), imagenet=column(0.4, 0.3, 0.2, 0.1, 0.05)),
    ),
    Corruption(
        "pixelate",
        "digital",
        pixelate,
        Levels(floors=(None,), cifar=column(0.95, 0.9, 0.85, 0.75, 0.65), imagenet=column(0.6, 0.5, 0.4, 0.3, 0.25)),
    ),
)
