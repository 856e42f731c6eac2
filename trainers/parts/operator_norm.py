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
    everywhere); so only ||T v|| at the best frequency has a graph. The pair comes from repeated squaring of
    the smaller Gram matrix: no decomposition, whose error check waits for a GPU, and no state carried from
    step to step, so a resumed run is the same run.
    Cost, with k = min(outputs, inputs): a few k x k products a frequency; for a convolution on images small
    beside its own forward pass, for a linear layer 2 k^3 SQUARINGS flops, a multiple of a step's if k is
    above some 500.

    layer: nn.Conv2d (groups 1, dilation 1, square stride) or nn.Linear. Raises ValueError for other strides,
    groups and dilations.
    """
    with torch.autocast(layer.weight.device.type, enabled=False):
        with torch.no_grad():
            if isinstance(layer, nn.Linear):
                probe = _top_direction(layer.weight.unsqueeze(0))[0]
            else:
                probe = _top_wave(layer, size)
        norm: Tensor = torch.linalg.vector_norm(layer.weight.flatten(1) @ probe)
    return norm


def _top_wave(layer: nn.Conv2d, size: tuple[int, ...]) -> Tensor:
    """Returns real and imaginary part (inputs * taps, 2) of the wave that the convolution stretches most.

    ||weight @ wave|| is ||T(w) v|| of the best frequency w: the frequencies are searched without a graph, and what
    is differentiated is one small product.
    """
    if layer.groups != 1 or layer.dilation != (1, 1) or len(set(layer.stride)) != 1:
        raise ValueError(
            f"no operator norm for {layer}, the model's first layer: it takes a linear layer, or a"
            " convolution with groups 1, dilation 1 and a square stride. Use tie=None, or another model"
        )
    stride = layer.stride[0]
    height, width = (_grid(n, taps, stride) for n, taps in zip(size, layer.kernel_size, strict=True))
    transfer = _transfer_matrices(layer.weight, stride, height, width)  # (rows, columns, outputs, inputs * stride**2)
    columns = transfer.shape[1]
    transfer = transfer.flatten(0, 1)
    direction = _top_direction(transfer)
    best = torch.view_as_real(transfer @ direction).square().sum((1, 2, 3)).argmax().view(1)
    vector = direction.index_select(0, best).view(-1, stride, stride)
    down = _phases(best // columns, stride, height, layer.kernel_size[0], vector)
    across = _phases(best % columns, stride, width, layer.kernel_size[1], vector)
    wave = torch.einsum("iab,ap,bq->ipq", vector, down, across) / stride
    return torch.view_as_real(wave.resolve_conj()).reshape(-1, 2)


def _phases(frequency: Tensor, stride: int, size: int, taps: int, like: Tensor) -> Tensor:
    """Returns exp(-i w_a p) (stride, taps): taps p, at the `stride` of the `size` frequencies that fold onto one."""
    folded = torch.arange(stride, device=like.device) * (size // stride) + frequency
    turns = torch.outer(folded, torch.arange(taps, device=like.device)).to(like.real.dtype) / size
    return torch.polar(torch.ones_like(turns), -2 * math.pi * turns)


def _transfer_matrices(weight: Tensor, stride: int, height: int, width: int) -> Tensor:
    """Returns T (height / stride, width / stride, outputs, inputs * stride**2), for stride 1 only half of the columns.

    The other half are complex conjugates, which have the same norms.
    """
    outputs, inputs = weight.shape[:2]
    if stride == 1:
        half: Tensor = torch.fft.rfft2(weight, s=(height, width))
        return half.permute(2, 3, 0, 1)
    spectrum = torch.fft.fft2(weight, s=(height, width))
    folded: Tensor = spectrum.view(outputs, inputs, stride, height // stride, stride, width // stride)
    return folded.permute(3, 5, 0, 1, 2, 4).flatten(3) / stride


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
    for _ in range(SQUARINGS if gram.shape[1] > 1 else 0):
        gram = _normalised(gram @ gram)
    column = gram.diagonal(dim1=1, dim2=2).real.argmax(1)
    vector = gram.gather(2, column.view(-1, 1, 1).expand(-1, gram.shape[1], 1))
    return _normalised(adjoint @ vector if wide else vector)


def _normalised(matrices: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(matrices, dim=(1, 2), keepdim=True)
    return matrices / norm.clamp_min(torch.finfo(norm.dtype).tiny)
