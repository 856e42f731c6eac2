"""Readers of benchmarks published as image files: ImageNet-C and ImageNet-R. Files are streamed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from study.datasets.core.local_files import hidden
from study.errors import UserError
from study.evaluation.official.arrays import CORRUPTIONS, HELD_OUT, SEVERITIES
from study.evaluation.official.parts import Files, Part, chosen_names, chunks, folders, stream

SUFFIXES = {".jpeg", ".jpg", ".png", ".webp", ".bmp"}


@dataclass(frozen=True)
class FolderSplit:
    """Images of `root/CLASS/`, labelled by the position of CLASS in `classes`; read by worker processes."""

    root: Path
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    fit: Literal["as they are", "resized"]
    device: torch.device
    workers: int

    @cached_property
    def files(self) -> Files:
        """The images in order of class and name; listed when first needed, as ImageNet-C has 3.75 million."""
        paths: list[Path] = []
        labels: list[int] = []
        for label, name in enumerate(self.classes):
            there = (path for path in (self.root / name).iterdir() if not hidden(path.name))
            images = sorted(path for path in there if path.suffix.lower() in SUFFIXES)
            if not images:
                raise UserError(f"{self.root / name} has no images; expected {', '.join(sorted(SUFFIXES))} files.")
            paths += images
            labels += [label] * len(images)
        return Files(paths, labels, partial(load_image, shape=self.shape, fit=self.fit))

    def __len__(self) -> int:
        return len(self.files.paths)

    def batches(self, size: int, rng: Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """As `study.datasets.core.data.TensorSplit.batches`."""
        return stream(self.files, chunks(len(self), size, rng), self.workers, self.device)


def load_image(path: Path, shape: tuple[int, int, int], fit: Literal["as they are", "resized"]) -> Tensor:
    """Returns an image file as uint8 (C, H, W).

    "resized": the shorter side to 8/7 of the model's (256 for 224), bilinearly, then the centre. UserError
    where the file is damaged or, "as they are", of another size than the model takes.
    """
    channels, height, width = shape
    try:
        with Image.open(path) as file:
            image = file.convert("L" if channels == 1 else "RGB")
    except (OSError, SyntaxError) as error:  # Pillow's word for a broken PNG is SyntaxError
        raise UserError(f"{path} cannot be read as an image ({error}); expected {width} x {height} pixels.") from error
    if fit == "resized":
        ratio = max(height / image.height, width / image.width) * 8 / 7
        size = round(image.width * ratio), round(image.height * ratio)
        left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
        image = image.resize(size, Image.Resampling.BILINEAR).crop((left, top, left + width, top + height))
    if image.size != (width, height):
        raise UserError(f"{path} has {image.width} x {image.height} pixels; expected {width} x {height}, the model's.")
    return torch.from_numpy(np.array(image)).view(height, width, channels).permute(2, 0, 1)


def imagenet_c(
    root: Path,
    *,
    shape: tuple[int, int, int],
    classes: Sequence[str],
    device: torch.device,
    corruptions: Sequence[str] | None = None,
    workers: int = 4,
) -> list[Part]:
    """Reads ImageNet-C's layout: `root/CORRUPTION/SEVERITY/CLASS/IMAGE`, of the model's size.

    classes: the names of the class folders in the order of the model's outputs; each severity must have all
    of them. corruptions: as in `arrays.cifar_c`. Folders are checked here, images when they are read;
    UserError names the one.
    """
    there = folders(root, "a folder for each corruption")
    parts = []
    for name in corruptions or chosen_names(there, CORRUPTIONS, HELD_OUT):
        for severity in range(1, SEVERITIES + 1):
            folder = root / name / str(severity)
            present = folders(folder, "folders CORRUPTION/SEVERITY/CLASS, severities 1 to 5")
            if set(present) != set(classes):
                odd = sorted(set(present) ^ set(classes))[0]
                raise UserError(
                    f"{folder} has {len(present)} class folders, the model {len(classes)} classes; "
                    f"first to differ: {odd}."
                )
            split = FolderSplit(folder, tuple(classes), shape, "as they are", device, workers)
            parts.append(Part(name, severity, split))
    return parts


def imagenet_r(
    root: Path, *, shape: tuple[int, int, int], classes: Sequence[str], device: torch.device, workers: int = 4
) -> list[Part]:
    """Reads ImageNet-R's layout: `root/WNID/IMAGE`, 200 of ImageNet's classes, images of any size (resized).

    classes: as in `imagenet_c`; the folders may be some of them. The part's `outputs` are those classes: a
    prediction is the largest among them, as published. UserError for a folder that is no class of the model.
    """
    names = folders(root, "a folder for each class")
    unknown = sorted(set(names) - set(classes))
    if unknown:
        raise UserError(f"{root / unknown[0]} is not one of the model's {len(classes)} classes ({classes[0]}, ...).")
    present = tuple(name for name in classes if name in set(names))
    outputs = torch.tensor([list(classes).index(name) for name in present], device=device)
    return [Part("rendition", 1, FolderSplit(root, present, shape, "resized", device, workers), outputs)]
