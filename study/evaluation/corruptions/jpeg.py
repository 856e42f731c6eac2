"""JPEG compression and decompression as a batched tensor program: baseline, 4:2:0, the tables of Annex K."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from study.evaluation.corruptions import linear

_LUMINANCE = """
16 11 10 16 24 40 51 61  12 12 14 19 26 58 60 55  14 13 16 24 40 57 69 56  14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77  24 35 55 64 81 104 113 92  49 64 78 87 103 121 120 101  72 92 95 98 112 100 103 99
"""
_CHROMINANCE = """
17 18 24 47 99 99 99 99  18 21 26 66 99 99 99 99  24 26 56 99 99 99 99 99  47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99
"""
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def roundtrip(x: Tensor, quality: int) -> Tensor:
    """Returns x (B, C, H, W) in [0, 1], C 1 or 3, as it comes back from JPEG at a quality of 1 to 100.

    Every step that a codec rounds to a grey level is rounded. Edges are repeated up to whole blocks; colour
    is halved in both axes by the mean and brought back by linear interpolation (libjpeg's "fancy"
    upsampling).
    """
    height, width = x.shape[-2:]
    levels = (x * 255).round_()
    light, colour = (_quantisation(table, quality, x) for table in (_LUMINANCE, _CHROMINANCE))
    if x.shape[1] == 1:
        return _coded(levels, light).div_(255)
    ycc = _mixed(levels, _TO_YCC).round_()
    luma = _coded(ycc[:, :1], light)
    chroma = _coded(_halved(ycc[:, 1:] + 128), colour)[..., : (width + 1) // 2]
    rows, columns = (_doubling(size, x) for size in chroma.shape[-2:])
    chroma = linear.separable(chroma, rows, columns).add_(0.5).floor_()[..., :height, :width] - 128
    return _mixed(torch.cat((luma, chroma), 1), _TO_RGB).round_().clamp_(0, 255).div_(255)


def _mixed(x: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """Returns the channels of x (B, 3, H, W) mixed by a 3 x 3 matrix."""
    return (x.new_tensor(matrix) @ x.flatten(2)).view_as(x)


def _quantisation(table: str, quality: int, like: Tensor) -> Tensor:
    """Returns the 64 quantisation steps of a quality, by libjpeg's scaling."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return like.new_tensor([min(max((int(step) * percent + 50) // 100, 1), 255) for step in table.split()])


def _coded(x: Tensor, steps: Tensor) -> Tensor:
    """Returns grey levels x (B, C, H, W) after DCT of 8 x 8 blocks, rounding to whole quantisation steps,
    inverse.
    """
    count, channels, height, width = x.shape
    down, across = math.ceil(height / 8), math.ceil(width / 8)
    padded = F.pad(x - 128, (0, 8 * across - width, 0, 8 * down - height), mode="replicate")
    blocks = padded.view(count, channels, down, 8, across, 8).transpose(3, 4).reshape(-1, 64)
    basis = _basis(x)
    blocks = _rounded((blocks @ basis.T).div_(steps)).mul_(steps) @ basis
    decoded = blocks.view(count, channels, down, across, 8, 8).transpose(3, 4).reshape(padded.shape)
    return decoded.round_().add_(128).clamp_(0, 255)[..., :height, :width]


def _rounded(x: Tensor) -> Tensor:
    """Returns x rounded, ties (and what float32 makes of them) away from zero, as codecs do."""
    return x.abs().add_(0.5 + 1e-4).floor_().copysign_(x)


def _basis(like: Tensor) -> Tensor:
    """Returns the orthonormal (64, 64) matrix of the two-dimensional DCT-II of a block, row-major."""
    k = torch.arange(8, dtype=torch.float64)
    matrix = torch.cos(math.pi / 8 * (k + 0.5) * k[:, None]) / 2
    matrix[0] /= math.sqrt(2)
    return torch.kron(matrix, matrix).to(like)


def _halved(x: Tensor) -> Tensor:
    """Returns the rounded means of 2 x 2 pixels of x (B, C, H, W), edges repeated to whole blocks across and
    to even
    rows down; ties go up in every second column. All as in libjpeg."""
    height, width = x.shape[-2:]
    means = F.avg_pool2d(F.pad(x, (0, -width % 16, 0, height % 2), mode="replicate"), 2)
    bias = 0.25 + 0.25 * (torch.arange(means.shape[3], device=x.device) % 2)
    return (means + bias).floor_()


def _doubling(size: int, like: Tensor) -> Tensor:
    """Returns the (2 * size, size) matrix of linear interpolation at a quarter pixel to each side, edges
    repeated.
    """
    matrix = torch.zeros(2 * size, size)
    for i in range(size):
        for out, beside in ((2 * i, max(i - 1, 0)), (2 * i + 1, min(i + 1, size - 1))):
            matrix[out, i] += 0.75
            matrix[out, beside] += 0.25
    return matrix.to(like)
