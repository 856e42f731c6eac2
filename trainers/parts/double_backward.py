"""Convolutions whose gradient can be differentiated at the price of two convolutions.

torch's own second backward pass of a convolution computes the weight's part as a convolution with kernels of the
image's size, which on CPUs takes several times what the first pass takes. Written as a transposed convolution, the
gradient with respect to the input is an ordinary layer, and its backward pass is the ordinary, quick one. Attention has
fused kernels, whose gradient cannot be differentiated at all: it is computed by matrix products.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

FEW = 16
"""Input channels below which torch's own convolution is as quick, and free of what a function of our own costs."""


def is_wide(module: nn.Module) -> bool:
    """Returns whether this is a convolution that `QuickDoubleBackward` changes."""
    return isinstance(module, nn.Conv2d) and module.weight.shape[1] >= FEW


class QuickDoubleBackward(TorchFunctionMode):
    """While entered, every F.conv2d of 4-dimensional images is one whose input gradient is a transposed convolution,
    and F.scaled_dot_product_attention is matrix products and a softmax.

    Values and gradients are the same up to rounding. Left as they are: convolutions of few channels, those with padding
    given as text, and all under autocast, whose casts a function of our own would not see.
    """

    def __init__(self) -> None:
        super().__init__()
        self._weights = True

    @contextmanager
    def inputs_alone(self) -> Iterator[None]:
        """While entered, gradients through the convolutions that ran under this object leave out those of weights.

        For `torch.autograd.grad` with respect to activations: a function of our own is not told that weights are not
        asked for, and would compute their gradients in vain.
        """
        self._weights = False
        try:
            yield
        finally:
            self._weights = True

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Runs func, F.conv2d in its quick form, attention in the one that has a second backward pass."""
        if func is F.conv2d:
            return self._conv2d(*args, **(kwargs or {}))
        if func is F.scaled_dot_product_attention:
            with sdpa_kernel(SDPBackend.MATH):
                return func(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _conv2d(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        few = weight.shape[1] < FEW
        if few or isinstance(padding, str) or x.dim() != 4 or torch.is_autocast_enabled(x.device.type):
            return F.conv2d(x, weight, bias, stride, padding, dilation, groups)
        pairs = [value if isinstance(value, tuple | list) else (value, value) for value in (stride, padding, dilation)]
        y: Tensor = _Convolution.apply(x, weight, *pairs, groups, self)
        return y if bias is None else y + bias.view(-1, 1, 1)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, *options: Any) -> Tensor:
        *ctx.options, ctx.quick = options
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, None, *ctx.options)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.options
        to_x = to_weight = None
        if ctx.needs_input_grad[0]:
            extra = [
                x.shape[2 + i]
                - ((grad.shape[2 + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (weight.shape[2 + i] - 1) + 1)
                for i in (0, 1)
            ]
            to_x = F.conv_transpose2d(grad, weight, None, stride, padding, extra, groups, dilation)
        if ctx.needs_input_grad[1] and ctx.quick._weights:
            to_weight = torch.ops.aten.convolution_backward(
                grad, x, weight, None, stride, padding, dilation, False, [0, 0], groups, [False, True, False]
            )[1]
        return to_x, to_weight, None, None, None, None, None
