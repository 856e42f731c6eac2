"""A split whose images stay on disk: worker processes decode, the device gets uint8 and makes it float."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as transforms

from study.datasets.core.augment import random_flip
from study.datasets.core.data import to_float
from study.datasets.core.decode import decode, pixels
from study.errors import UserError

MOST_WORKERS = 16
RESIZE = 256 / 224
"""Evaluation scales the shorter side to this multiple of the crop's size, as is usual for ImageNet."""
Decoded = np.ndarray | UserError
"""A batch as worker processes send it: tensors would go through shared memory, of which containers have little."""
Box = tuple[int, int, int, int]
"""Top, left, height, width."""


@dataclass(frozen=True)
class FileSplit:
    """Image files and their labels, as RGB batches of size x size on the device.

    One worker process decodes for every thread that torch has been given, at most 16. What a batch
    holds does not depend on their number: every image brings its own seed.
    """

    root: Path
    names: np.ndarray
    """Paths below root, (N,), as bytes: one block of memory, which workers share without copying it."""
    labels: Tensor
    """(N,) int64, on the CPU."""
    size: int
    device: torch.device
    flip: float | None = None

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device: torch.device) -> "FileSplit":
        """Returns the split with its batches on another device."""
        return replace(self, device=device)

    def every(self, step: int) -> "FileSplit":
        """Returns every step-th image, the first among them."""
        return replace(self, names=self.names[::step], labels=self.labels[::step])

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields float batches (B, 3, size, size) in [0, 1] and labels (B,), on the device.

        With `rng`: permuted, full, from random crops, mirrored with probability `flip`.
        Without: in order, the centre. Raises UserError at an image that cannot be decoded.
        """
        if rng is None:
            order = torch.arange(len(self))
            keys: list[Key] = [(part, None) for part in torch.split(order, size)]
        else:
            order, seeds = _draw(len(self), rng)
            size = min(size, len(self))
            full = len(self) // size * size
            keys = list(zip(torch.split(order[:full], size), torch.split(seeds[:full], size), strict=True))
        for key, images in zip(keys, self._decoded(keys), strict=True):
            if isinstance(images, UserError):
                raise images
            x = to_float(torch.from_numpy(images).to(self.device, non_blocking=True))
            y = self.labels[key[0]].to(self.device, non_blocking=True)
            yield (random_flip(x, self.flip, rng) if rng is not None and self.flip is not None else x), y

    def _decoded(self, keys: Sequence["Key"]) -> Iterator[Decoded]:
        loader: DataLoader[Decoded] = DataLoader(
            _Decoder(self.root, self.names, self.size),
            batch_size=None,  # the keys are whole batches already
            sampler=keys,
            collate_fn=_as_decoded,  # type: ignore[arg-type]
            num_workers=min(torch.get_num_threads(), MOST_WORKERS),
            generator=torch.Generator(),  # or the loader would draw its workers' seeds from the global one
        )
        return iter(loader)


def _as_decoded(decoded: Decoded) -> Decoded:  # torch would make a tensor of it
    return decoded


Key = tuple[Tensor, Tensor | None]
"""Which images, and the seed of each one's random crop; None means the centre."""


@dataclass(frozen=True)
class _Decoder(Dataset[Decoded]):
    """What a worker process runs. Errors are returned: a raised one arrives with its traceback glued on."""

    root: Path
    names: np.ndarray
    size: int

    def __getitem__(self, key: Key) -> Decoded:
        chosen, seeds = key
        images = np.empty((len(chosen), 3, self.size, self.size), np.uint8)
        try:
            for i, index in enumerate(chosen.tolist()):
                path = self.root / os.fsdecode(self.names[index])
                image = decode(path, str(path), channels=3)
                part = centre(image, self.size) if seeds is None else _crop(image, self.size, int(seeds[i]))
                images[i] = pixels(part)
        except UserError as error:
            return error
        return images


def centre(image: Image.Image, size: int) -> Image.Image:
    """Returns the central size x size of the image, the shorter side first scaled to 256/224.

    Scaling is bilinear with antialiasing, here and for training.
    """
    scaled = transforms.resize(image, [round(size * RESIZE)])
    cropped: Image.Image = transforms.center_crop(scaled, [size, size])
    return cropped


def random_box(height: int, width: int, rng: Generator) -> Box:
    """Returns the box of a random resized crop (Szegedy et al. 2015).

    Its share of the image's area is uniform in [0.08, 1], the logarithm of width / height uniform in
    +-log(4/3), its place uniform. The first of ten draws that fits is taken; where none does, the largest
    central box whose ratio is in the range. Draws from `rng` alone.
    """
    for area, ratio, down, right in torch.rand(10, 4, generator=rng, dtype=torch.float64).tolist():
        target = height * width * (0.08 + 0.92 * area)
        aspect = math.exp((2 * ratio - 1) * math.log(4 / 3))
        w, h = round(math.sqrt(target * aspect)), round(math.sqrt(target / aspect))
        if 0 < w <= width and 0 < h <= height:
            return int(down * (height - h + 1)), int(right * (width - w + 1)), h, w
    h, w = min(height, round(width * 4 / 3)), min(width, round(height * 4 / 3))
    return (height - h) // 2, (width - w) // 2, h, w


def _crop(image: Image.Image, size: int, seed: int) -> Image.Image:
    box = random_box(image.height, image.width, torch.Generator().manual_seed(seed))
    cropped: Image.Image = transforms.resized_crop(image, *box, [size, size])
    return cropped


def _draw(count: int, rng: Generator) -> tuple[Tensor, Tensor]:
    order = torch.randperm(count, generator=rng, device=rng.device)
    seeds = torch.randint(2**63 - 1, (count,), generator=rng, device=rng.device)
    return order.cpu(), seeds.cpu()
