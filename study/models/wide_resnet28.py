"""The wide residual network WRN-28-k."""

from typing import Annotated

from annotated_types import Ge, Gt, Lt
from torch import nn

from study.models.core.classifier import Classifier
from study.models.core.residual import head, residual_stage


class WideResNet28(Classifier):
    """A 3 x 3 stem, three stages of four pre-activation blocks (16k, 32k, 64k channels), a linear layer.

    Source: Zagoruyko and Komodakis 2016. Parameters at 3 channels and 10 classes: 1.5 M for k = 2, 5.8 M for
    4, 36.5 M for 10. Erichson et al. 2022 say k = 2; their code has k = 4, dropout 0.1 and other blocks:
    `noisymix_wide_resnet28`. Any image size.
    Stages: normalise; stem and residual stage 1; stage 2; stage 3; head.
    k: factor of the width. dropout: rate between the convolutions of each block; None is off.
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
            nn.Sequential(
                nn.Conv2d(shape[0], 16, 3, padding=1, bias=False),
                residual_stage(16, 16 * k, blocks=4, stride=1, dropout=dropout),
            ),
            residual_stage(16 * k, 32 * k, blocks=4, stride=2, dropout=dropout),
            residual_stage(32 * k, 64 * k, blocks=4, stride=2, dropout=dropout),
            head(64 * k, classes),
        )


MODEL = WideResNet28
