"""Encoded images to pixels, with Pillow; torchvision's own decoders are deprecated."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from study.datasets.core.local_files import first_line
from study.errors import UserError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm")
_DEEP = ("I", "F")
"""How Pillow's names of more than 8 bits a channel begin."""


def decode(source: Path | BinaryIO, where: str, channels: int | None) -> Image.Image:
    """Returns the image, grey for 1 channel and RGB for 3; None leaves grey as it is and makes all else RGB.

    Raises UserError, naming `where`, if it is cut, no image, or has more than 8 bits a channel.
    """
    try:
        with Image.open(source) as image:
            if image.mode.startswith(_DEEP):
                raise UserError(f"{where} is of Pillow's mode {image.mode}; expected 8 bits a channel")
            grey = channels == 1 or (channels is None and image.mode in {"1", "L"})
            return image.convert("L" if grey else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{where} cannot be decoded; expected a whole image: {first_line(error)}") from error


def pixels(image: Image.Image) -> np.ndarray:
    """Returns a grey or RGB image as a new uint8 array (C, H, W)."""
    array = np.array(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
