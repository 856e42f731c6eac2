"""The operator norm against the dense matrix of the layer."""

import numpy as np
import pytest
import torch
from torch import nn

from trainers.parts.operator_norm import operator_norm


def conv(inputs: int, outputs: int, kernel: int, seed: int, **options) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, kernel, **options)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        layer.weight.normal_(generator=rng)
    return layer


def dense_matrix(layer: nn.Conv2d, height: int, width: int) -> np.ndarray:
    """The circular convolution as a matrix, entry by entry, without any transform."""
    weight = layer.weight.detach().double().numpy()
    outputs, inputs, rows, columns = weight.shape
    stride = layer.stride[0]
    matrix = np.zeros((outputs, height // stride, width // stride, inputs, height, width))
    for i in range(height // stride):
        for j in range(width // stride):
            for p in range(rows):
                for q in range(columns):
                    matrix[:, i, j, :, (i * stride + p) % height, (j * stride + q) % width] += weight[:, :, p, q]
    return matrix.reshape(outputs * (height // stride) * (width // stride), -1)


@pytest.mark.parametrize(
    ("inputs", "outputs", "kernel", "stride", "size"),
    [
        (1, 6, 5, 1, (8, 8)),
        (3, 4, 3, 1, (8, 6)),
        (4, 2, 3, 1, (7, 7)),
        (3, 8, 3, 2, (8, 8)),
        (2, 3, 4, 4, (8, 8)),
    ],
)
def test_of_a_convolution_is_the_dense_matrix_largest_singular_value(inputs, outputs, kernel, stride, size):
    layer = conv(inputs, outputs, kernel, seed=kernel + stride, stride=stride, padding=kernel // 2)
    expected = np.linalg.svd(dense_matrix(layer, *size), compute_uv=False)[0]
    assert operator_norm(layer, size).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", [(20, 64), (64, 20), (1, 5), (30, 30)])
def test_of_a_linear_layer_is_the_spectral_norm(shape):
    layer = nn.Linear(shape[1], shape[0])
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(1))
    expected = np.linalg.svd(layer.weight.detach().double().numpy(), compute_uv=False)[0]
    assert operator_norm(layer, ()).item() == pytest.approx(expected, rel=1e-5)


def test_bounds_any_input_without_circular_padding_too():
    layer = conv(3, 8, 3, seed=5, bias=False, padding=1)
    rng = torch.Generator().manual_seed(2)
    norm = operator_norm(layer, (32, 32))
    x = torch.randn((16, 3, 32, 32), generator=rng)
    stretch = layer(x).flatten(1).norm(dim=1) / x.flatten(1).norm(dim=1)
    assert (stretch <= norm).all()


@pytest.mark.parametrize("layer", [conv(2, 3, 3, seed=3).double(), nn.Linear(6, 4).double()])
def test_gradient_is_that_of_finite_differences(layer):
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(7))
    (gradient,) = torch.autograd.grad(operator_norm(layer, (6, 6)), layer.weight)
    direction = torch.randn(gradient.shape, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    step = 1e-6
    with torch.no_grad():
        layer.weight += step * direction
        up = operator_norm(layer, (6, 6))
        layer.weight -= 2 * step * direction
        down = operator_norm(layer, (6, 6))
    assert (gradient * direction).sum().item() == pytest.approx(((up - down) / (2 * step)).item(), rel=1e-5)


def test_of_zero_weights_is_zero_and_finite():
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    assert operator_norm(layer, ()).item() == 0


def test_scales_with_the_weight():
    layer = conv(3, 5, 3, seed=9)
    before = operator_norm(layer, (16, 16)).item()
    with torch.no_grad():
        layer.weight *= 4
    assert operator_norm(layer, (16, 16)).item() == pytest.approx(4 * before, rel=1e-6)


def test_of_a_large_image_stays_near_the_peak():
    layer = conv(3, 16, 7, seed=4, stride=2)
    fine = torch.fft.fft2(layer.weight, s=(112, 112)).view(16, 3, 2, 56, 2, 56).permute(3, 5, 0, 1, 2, 4)
    peak = torch.linalg.matrix_norm(fine.reshape(-1, 16, 12) / 2, ord=2).max().item()
    assert operator_norm(layer, (224, 224)).item() == pytest.approx(peak, rel=0.02)


@pytest.mark.parametrize("options", [{"groups": 2}, {"dilation": 2}, {"stride": (1, 2)}])
def test_says_what_it_takes(options):
    layer = nn.Conv2d(2, 2, 3, **options)
    with pytest.raises(ValueError, match="groups 1, dilation 1"):
        operator_norm(layer, (8, 8))
