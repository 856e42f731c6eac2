"""Encoded images (JPEG, PNG, WebP, GIF) to pixels."""

import torch
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image

from study.datasets.core.files import first_line
from study.errors import UserError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_MODES = {None: ImageReadMode.UNCHANGED, 1: ImageReadMode.GRAY, 3: ImageReadMode.RGB}


def decode(data: bytes, where: str, channels: int | None) -> Tensor:
    """Returns an encoded image as uint8 (C, H, W): grey for 1 channel, RGB for 3, either as stored for None.

    Raises UserError, naming `where`, if the bytes are no image of 8 bits a channel, or are cut.
    """
    try:
        image: Tensor = decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), _MODES[channels])
        if channels is None and len(image) not in (1, 3):  # transparency, CMYK
            return decode(data, where, channels=3)
    except (RuntimeError, ValueError) as error:
        reason = first_line(error).rpartition(", ")[2]  # torchvision puts its own source's path before
        raise UserError(
            f"{where} cannot be decoded; expected a whole JPEG, PNG, WebP or GIF: {reason}"
        ) from error
    if image.dtype != torch.uint8 or image.ndim != 3:
        raise UserError(
            f"{where} is {image.dtype} of {tuple(image.shape)}; expected one image of 8 bits a channel"
        )
    return image
