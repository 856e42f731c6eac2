"""Enhancements of 8-bit images, as Pillow's ImageEnhance: a blend of the image with a degenerate version of
it.

blend(d, x, f) = d + f (x - d), cut to an integer in [0, 255]: factor 0 is the degenerate image, 1 the
identity. Equal to Pillow's but for at most 1 of 255, where single precision meets the cut. Images are (N, 1
or 3, H, W) uint8, factors (N,) >= 0; nothing writes its input.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

ROUNDING = 1 / 1024
"""Added before the cut, so that what single precision puts just below an integer is that integer."""


def brightness(x: Tensor, factor: Tensor) -> Tensor:
    """Returns x blended with black."""
    return _blend(torch.zeros_like(x).float(), x, factor)


def contrast(x: Tensor, factor: Tensor) -> Tensor:
    """Returns x blended with the mean of its grey values, rounded."""
    mean = _grey(x).float().mean((1, 2, 3), keepdim=True).add(0.5).floor()
    return _blend(mean, x, factor)


def colour(x: Tensor, factor: Tensor) -> Tensor:
    """Returns x blended with its grey values; a grey image stays as it is."""
    return _blend(_grey(x).float(), x, factor)


def sharpness(x: Tensor, factor: Tensor) -> Tensor:
    """Returns x blended with a smoothed copy: 3 x 3 weights of 1, 5 in the middle, over 13; the border
    stays."""
    height, width = x.shape[2:]
    # Not written into: a number that is written into a tensor of a GPU is waited for.
    kernel = 1 + 4 * torch.eye(9, device=x.device)[4].view(3, 3)
    planes = x.float().view(-1, 1, height, width)
    inner = F.conv2d(planes, kernel.view(1, 1, 3, 3)).div_(13).add_(0.5).floor_()
    smooth = planes.clone()
    smooth[:, :, 1:-1, 1:-1] = inner
    return _blend(smooth.view_as(x), x, factor)


ENHANCEMENTS = {"brightness": brightness, "contrast": contrast, "colour": colour, "sharpness": sharpness}
"""Name -> enhancement."""


def invert(x: Tensor) -> Tensor:
    """Returns 255 - x."""
    return 255 - x


def _grey(x: Tensor) -> Tensor:
    """Returns the grey values (N, 1, H, W): ITU-R 601 in 16-bit fixed point, rounded."""
    if x.shape[1] == 1:
        return x
    red, green, blue = x.int().unbind(1)
    grey: Tensor = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return grey[:, None]


def _blend(degenerate: Tensor, x: Tensor, factor: Tensor) -> Tensor:
    blended = degenerate + factor.view(-1, 1, 1, 1) * (x.float() - degenerate)
    return blended.add_(ROUNDING).clamp_(0, 255).to(torch.uint8)
