"""Readers of perturbation sequences: CIFAR-10-P (arrays) and ImageNet-P (videos, or folders of frames)."""

import importlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from study.datasets.core.data import to_float
from study.datasets.core.local_files import hidden
from study.errors import UserError
from study.evaluation.official.images import SUFFIXES, load_image
from study.evaluation.official.parts import Files, chosen_names, chunks, folders, pixels, stream

PERTURBATIONS = (
    "gaussian_noise",
    "shot_noise",
    "motion_blur",
    "zoom_blur",
    "snow",
    "brightness",
    "translate",
    "rotate",
    "tilt",
    "scale",
)
"""The ten perturbations of the mean flip rate (Hendrycks & Dietterich, 2019).

The published script that evaluates CIFAR-10-P has spatter in the place of snow; the paper, the code that makes the
files and AugMix's and NoisyMix's tables have snow.
"""

EXTRA = (
    *("speckle_noise", "gaussian_blur", "spatter", "shear"),
    *(f"{noise}_noise_{difficulty}" for noise in ("gaussian", "shot", "speckle") for difficulty in (2, 3)),
)
"""Held-out perturbations, and the stronger noises; none of them is in the mean."""


class Sequences(Protocol):
    """Sequences of frames."""

    def batches(self, size: int) -> Iterator[Tensor]:
        """Yields frames (B, F, C, H, W) in [0, 1] on the device, `size` sequences at a time."""


class SequencePart(NamedTuple):
    """One perturbation at one difficulty: 1, or the 2 and 3 of files such as gaussian_noise_2."""

    perturbation: str
    difficulty: int
    sequences: Sequences


@dataclass(frozen=True)
class MappedSequences:
    """Frames (N, F, H, W, C) uint8 that stay in their memory-mapped file."""

    frames: np.ndarray
    device: torch.device

    def batches(self, size: int) -> Iterator[Tensor]:
        """See `Sequences`."""
        for chosen in chunks(len(self.frames), size, None):
            frames = torch.from_numpy(self.frames[chosen]).to(self.device)
            yield to_float(frames.permute(0, 1, 4, 2, 3))


@dataclass(frozen=True)
class FileSequences:
    """Videos, or folders of frames, in `root/CLASS/`; read by worker processes."""

    root: Path
    shape: tuple[int, int, int]
    device: torch.device
    workers: int

    @cached_property
    def files(self) -> Files:
        """The sequences in order of class and name. UserError where there is none."""
        there = (path for path in self.root.glob("*/*") if not (hidden(path.name) or hidden(path.parent.name)))
        paths = sorted(path for path in there if path.is_dir() or path.suffix.lower() == ".mp4")
        if not paths:
            raise UserError(f"{self.root} has no sequences; expected CLASS/NAME.mp4 or CLASS/NAME/ with frames.")
        return Files(paths, [0] * len(paths), partial(load_sequence, shape=self.shape))

    def batches(self, size: int) -> Iterator[Tensor]:
        """See `Sequences`."""
        batches = chunks(len(self.files.paths), size, None)
        for frames, _ in stream(self.files, batches, self.workers, self.device):
            yield frames


def load_sequence(path: Path, shape: tuple[int, int, int]) -> Tensor:
    """Returns a video file, or a folder of images in the order of the numbers in their names, as uint8 (F, C,
    H, W).

    Videos need the package av (PyAV); UserError says so where it is absent, and where frames are damaged or
    of another size than the model takes.
    """
    if path.is_dir():
        images = [image for image in path.iterdir() if image.suffix.lower() in SUFFIXES and not hidden(image.name)]
        # img10 after img9: by number first
        images.sort(key=lambda image: ([int(digits) for digits in re.findall(r"\d+", image.stem)], image.stem))
        frames = [load_image(image, shape, "as they are") for image in images]
    else:
        frames = [torch.from_numpy(frame).permute(2, 0, 1) for frame in _decode(path)]
    if len(frames) < 2:
        raise UserError(f"{path} has {len(frames)} frames; expected a sequence of at least 2.")
    if frames[0].shape != shape:
        raise UserError(f"{path} has frames of shape {tuple(frames[0].shape)}; expected {shape}, the model's.")
    return torch.stack(frames)


def _decode(path: Path) -> list[np.ndarray]:
    try:
        av = importlib.import_module("av")
    except ModuleNotFoundError as error:
        raise UserError(
            f"{path} is a video, which needs the package av: pip install av, "
            "or unpack each video to a folder of frames."
        ) from error
    try:
        with av.open(str(path)) as video:
            return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    except (av.FFmpegError, IndexError) as error:  # IndexError: no video stream
        raise UserError(f"{path} cannot be read as a video ({error}). Is it truncated?") from error


def cifar_p(
    root: Path,
    *,
    shape: tuple[int, int, int],
    device: torch.device,
    perturbations: Sequence[str] | None = None,
) -> list[SequencePart]:
    """Reads CIFAR-10-P's layout: `root/PERTURBATION.npy`, (N, F, H, W, C) uint8 (N = 10,000 as published).

    perturbations: names to read; None is the ten of the mean flip rate, all required, and those of EXTRA that
    are there. Every file is opened here, so that errors (UserError) come before the first frame is read.
    """
    channels, height, width = shape
    present = (path.stem for path in root.glob("*.npy"))
    parts = []
    for name in perturbations or chosen_names(present, PERTURBATIONS, EXTRA):
        frames = pixels(root / f"{name}.npy", (None, None, height, width, channels))
        if not len(frames) or frames.shape[1] < 2:
            raise UserError(f"{root / name}.npy has shape {frames.shape}; expected sequences of at least 2 frames.")
        parts.append(SequencePart(*_difficulty(name), MappedSequences(frames, device)))
    return parts


def imagenet_p(
    root: Path,
    *,
    shape: tuple[int, int, int],
    device: torch.device,
    perturbations: Sequence[str] | None = None,
    workers: int = 4,
) -> list[SequencePart]:
    """Reads ImageNet-P's layout: `root/PERTURBATION/CLASS/NAME.mp4`, or a folder NAME of frames in its place.

    perturbations: as in `cifar_p`. Folders are checked here, videos when they are read (see `load_sequence`).
    """
    there = folders(root, "a folder for each perturbation")
    parts = []
    for name in perturbations or chosen_names(there, PERTURBATIONS, EXTRA):
        folders(root / name, "folders PERTURBATION/CLASS with a video or a folder of frames for each sequence")
        parts.append(SequencePart(*_difficulty(name), FileSequences(root / name, shape, device, workers)))
    return parts


def _difficulty(name: str) -> tuple[str, int]:
    """Splits gaussian_noise_2 into its perturbation and difficulty."""
    matched = re.fullmatch(r"(.+)_([23])", name)
    return (matched[1], int(matched[2])) if matched else (name, 1)
