"""Encoded images (JPEG, PNG, ...) to pixels, with Pillow."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from study.datasets.core.files import first_line
from study.errors import UserError


def open_image(source: Path | BinaryIO, where: str, channels: int | None) -> Image.Image:
    """Returns the decoded image, grey for 1 channel and RGB for 3; None leaves grey as grey and makes the rest RGB.

    Raises UserError, naming `where`, if the bytes are no image or are cut.
    """
    try:
        with Image.open(source) as image:
            grey = channels == 1 or (channels is None and image.mode in {"1", "L"})
            return image.convert("L" if grey else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{where} is not an image, or is cut: {first_line(error)}") from error


def pixels(image: Image.Image) -> np.ndarray:
    """Returns a grey or RGB image as uint8 (C, H, W)."""
    array = np.asarray(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
