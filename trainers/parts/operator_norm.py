"""The operator norm of a layer: how much it can stretch its input, differentiable and without waiting for the
device.
"""

import math

import torch
from torch import Tensor, nn

SQUARINGS = 12
"""Squarings of the Gram matrix, which make 2**12 steps of the power method."""
MAX_GRID = 32
"""Frequencies an axis, at most, for kernels up to 8 wide (four times the width beyond): the transfer matrix
is a trigonometric polynomial of the kernel's degree, so a finer grid would find its peak little higher."""


def operator_norm(layer: nn.Conv2d | nn.Linear, size: tuple[int, ...]) -> Tensor:
    """Returns kappa(W) = max over x of ||W x||_2 / ||x||_2, a scalar that is differentiable in the layer's
    weight.

    A linear layer: the largest singular value of its weight. A convolution is taken as a circular one on a
    grid of `size` (height, width; 32 at most): the largest singular value over frequencies w of the transfer
    matrix

        T(w)[o, i] = sum over taps p of weight[o, i, p] exp(-i <w, p>).

    A stride of s folds s * s frequencies onto each one that is left: their matrices stand side by side,
    divided by s.

    Gradient: with the top pair (u, v) of singular vectors held fixed, kappa = u* T v = ||T v||, and by the
    envelope theorem d kappa = Re(u* dT v), exact wherever the largest singular value is simple (almost
    everywhere). The pair comes from repeated squaring of the smaller Gram matrix: no decomposition, whose
    error check waits for a GPU, and no state carried from step to step, so a resumed run is the same run.
    Cost, with k = min(outputs, inputs): a few k x k products a frequency; for a convolution on images small
    beside its own forward pass, for a linear layer 2 k^3 SQUARINGS flops, a multiple of a step's if k is
    above some 500.

    layer: nn.Conv2d (groups 1, dilation 1, square stride) or nn.Linear. Raises ValueError for other strides,
    groups and dilations.
    """
    with torch.autocast(layer.weight.device.type, enabled=False):
        transfer = _transfer_matrices(layer, size)  # (frequencies, outputs, inputs)
        with torch.no_grad():
            direction = _top_direction(transfer)
            best = torch.linalg.vector_norm(transfer @ direction, dim=(1, 2)).argmax().view(1)
            direction = direction.index_select(0, best)
        norm: Tensor = torch.linalg.vector_norm(transfer.index_select(0, best) @ direction)
    return norm


def _transfer_matrices(layer: nn.Conv2d | nn.Linear, size: tuple[int, ...]) -> Tensor:
    if isinstance(layer, nn.Linear):
        return layer.weight.unsqueeze(0)
    if layer.groups != 1 or layer.dilation != (1, 1) or len(set(layer.stride)) != 1:
        raise ValueError(
            f"no operator norm for {layer}, the model's first layer: it takes a linear layer, or a"
            " convolution with groups 1, dilation 1 and a square stride. Use tie=None, or another model"
        )
    stride = layer.stride[0]
    height, width = (_grid(n, taps, stride) for n, taps in zip(size, layer.kernel_size, strict=True))
    outputs, inputs = layer.weight.shape[:2]
    spectrum = torch.fft.fft2(layer.weight, s=(height, width))
    folded: Tensor = spectrum.view(outputs, inputs, stride, height // stride, stride, width // stride)
    return folded.permute(3, 5, 0, 1, 2, 4).reshape(-1, outputs, inputs * stride**2) / stride


def _grid(size: int, taps: int, stride: int) -> int:
    return math.ceil(max(min(size, max(MAX_GRID, 4 * taps)), taps) / stride) * stride


def _top_direction(matrices: Tensor) -> Tensor:
    """Returns unit vectors (F, inputs, 1), each the top right singular vector of a matrix (F, outputs,
    inputs).

    The column of (A* A)**(2**SQUARINGS) with the largest diagonal entry is that vector, up to its length: the
    power method from the unit vector that lies closest to it.
    """
    adjoint = matrices.mH
    wide = matrices.shape[1] < matrices.shape[2]
    gram = _normalised(matrices @ adjoint if wide else adjoint @ matrices)
    for _ in range(SQUARINGS):
        gram = _normalised(gram @ gram)
    column = gram.diagonal(dim1=1, dim2=2).real.argmax(1)
    vector = gram.gather(2, column.view(-1, 1, 1).expand(-1, gram.shape[1], 1))
    return _normalised(adjoint @ vector if wide else vector)


def _normalised(matrices: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(matrices, dim=(1, 2), keepdim=True)
    return matrices / norm.clamp_min(torch.finfo(norm.dtype).tiny)
