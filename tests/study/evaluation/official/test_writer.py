"""What the writer writes the readers read; interrupted runs resume; only whole files have a file's name."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from study.errors import UserError
from study.evaluation.official.arrays import cifar_c, mnist_c
from study.evaluation.official.images import imagenet_c
from study.evaluation.official.writer import write_cifar_c, write_imagenet_c, write_mnist_c

CPU = torch.device("cpu")
SHAPE = (3, 5, 4)
LABELS = np.array([3, 1, 2, 0, 1, 1, 2])
NAMES = ("fog", "wobble")


class Source:
    """Corrupted images, different for each name, severity and index; counts what it was asked for."""

    def __init__(self, stop_at: tuple[str, int] | None = None, shape: tuple[int, ...] = SHAPE) -> None:
        self.asked: list[tuple[str, int]] = []
        self.stop_at, self.shape = stop_at, shape

    def images(self, name: str, severity: int) -> Tensor:
        rng = torch.Generator().manual_seed(NAMES.index(name) * 10 + severity)
        return torch.randint(0, 256, (len(LABELS), *self.shape), dtype=torch.uint8, generator=rng)

    def __call__(self, name: str, severity: int) -> Iterator[Tensor]:
        self.asked.append((name, severity))
        first, *rest = self.images(name, severity).split(3)
        yield first
        if (name, severity) == self.stop_at:
            raise KeyboardInterrupt
        yield from rest


class Progress:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def __call__(self, name: str, done: int, total: int) -> None:
        self.told.append((name, done, total))


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("shape", [(3, 5, 4), (1, 4, 4)])
def test_cifar_c_round_trip(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    source, progress = Source(shape=shape), Progress()
    write_cifar_c(tmp_path, NAMES, source, LABELS, progress, shape=shape)
    assert files(tmp_path) == {"fog.npy", "wobble.npy", "labels.npy"}
    assert np.load(tmp_path / "labels.npy").tolist() == LABELS.tolist() * 5
    assert progress.told[-1] == ("wobble", 35, 35)
    parts = cifar_c(tmp_path, shape=shape, classes=4, device=CPU, corruptions=NAMES)
    assert len(parts) == 10
    for name, severity, split, _ in parts:
        x, y = (torch.cat(tensors) for tensors in zip(*split.batches(4), strict=True))
        assert torch.equal((x * 255).round().byte(), source.images(name, severity))
        assert y.tolist() == LABELS.tolist()


def test_cifar_c_resumes_at_the_first_file_that_is_not_whole(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_cifar_c(tmp_path, NAMES, Source(("wobble", 3)), LABELS, Progress(), shape=SHAPE)
    assert files(tmp_path) == {"fog.npy", "labels.npy"}
    source, progress = Source(), Progress()
    write_cifar_c(tmp_path, NAMES, source, LABELS, progress, shape=SHAPE)
    assert source.asked == [("wobble", severity) for severity in range(1, 6)]
    assert progress.told[0] == ("fog", 35, 35)
    expected = torch.cat([source.images("wobble", severity) for severity in range(1, 6)]).permute(0, 2, 3, 1)
    assert np.array_equal(np.load(tmp_path / "wobble.npy"), expected.numpy())


def test_another_benchmark_in_the_way_is_an_error(tmp_path: Path) -> None:
    write_cifar_c(tmp_path, NAMES, Source(), LABELS, Progress(), shape=SHAPE)
    with pytest.raises(UserError, match=r"labels\.npy holds other labels"):
        write_cifar_c(tmp_path, NAMES, Source(), LABELS[::-1], Progress(), shape=SHAPE)
    with pytest.raises(UserError, match=r"labels\.npy has shape"):
        write_cifar_c(tmp_path, NAMES, Source(), LABELS[:-1], Progress(), shape=SHAPE)
    with pytest.raises(UserError, match=r"fog\.npy has shape \(35, 5, 4, 3\).*\(35, 4, 5, 3\)"):
        write_cifar_c(tmp_path, NAMES, Source(), LABELS, Progress(), shape=(3, 4, 5))


def test_images_of_another_shape_number_or_type_are_refused(tmp_path: Path) -> None:
    def write(batches: list[Tensor]) -> None:
        write_cifar_c(tmp_path, ["fog"], lambda *_: batches, LABELS, Progress(), shape=SHAPE)

    whole = Source().images("fog", 1)
    for wrong in ([whole[:, :, :4]], [whole.float()], [whole[:5]], [whole, whole]):
        with pytest.raises(ValueError, match="expected"):
            write(wrong)
        assert files(tmp_path) == {"labels.npy"}


def test_mnist_c_round_trip_and_resumption(tmp_path: Path) -> None:
    shape = (1, 4, 4)
    severities = {"fog": 5, "wobble": 2}
    with pytest.raises(KeyboardInterrupt):
        write_mnist_c(tmp_path, severities, Source(("wobble", 2), shape), LABELS, Progress(), shape=shape)
    source = Source(shape=shape)
    write_mnist_c(tmp_path, severities, source, LABELS, Progress(), shape=shape)
    assert source.asked == [("wobble", 2)]
    assert files(tmp_path) == {f"{name}/test_{what}.npy" for name in NAMES for what in ("images", "labels")}
    for part in mnist_c(tmp_path, shape=shape, classes=4, device=CPU, corruptions=NAMES):
        x, y = next(part.split.batches(100))
        assert torch.equal((x * 255).round().byte(), source.images(part.corruption, severities[part.corruption]))
        assert y.tolist() == LABELS.tolist()


@pytest.mark.parametrize("shape", [(3, 5, 4), (1, 4, 4)])
def test_imagenet_c_round_trip_and_resumption(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    order = sorted(range(len(LABELS)), key=lambda i: (LABELS[i], i))  # the readers' order: by class, then name
    images = [(f"n{label}", f"val_{i}") for i, label in enumerate(LABELS)]
    with pytest.raises(KeyboardInterrupt):
        write_imagenet_c(tmp_path, NAMES, Source(("fog", 2), shape), images, Progress(), shape=shape)
    assert len(files(tmp_path)) == len(LABELS) + 3
    (tmp_path / "fog" / "1" / "n1" / "val_1.png").unlink()
    source, progress = Source(shape=shape), Progress()
    write_imagenet_c(tmp_path, NAMES, source, images, progress, shape=shape)
    assert progress.told[-1] == ("wobble", 35, 35)
    classes = ("n0", "n1", "n2", "n3")
    for name, severity, split, _ in imagenet_c(
        tmp_path, shape=shape, classes=classes, device=CPU, corruptions=NAMES, workers=0
    ):
        x, y = (torch.cat(tensors) for tensors in zip(*split.batches(4), strict=True))
        assert torch.equal((x * 255).round().byte(), source.images(name, severity)[order])
        assert y.tolist() == sorted(LABELS.tolist())
    again = Source(shape=shape)
    write_imagenet_c(tmp_path, NAMES, again, images, Progress(), shape=shape)
    assert not again.asked


def test_imagenet_c_as_jpeg(tmp_path: Path) -> None:
    images = [(f"n{label}", f"val_{i}") for i, label in enumerate(LABELS)]
    grey = torch.full((len(LABELS), *SHAPE), 99, dtype=torch.uint8)
    write_imagenet_c(tmp_path, ["fog"], lambda *_: [grey], images, Progress(), shape=SHAPE, format="jpeg")
    assert "fog/5/n2/val_6.jpeg" in files(tmp_path)
    classes = ("n0", "n1", "n2", "n3")
    part = imagenet_c(tmp_path, shape=SHAPE, classes=classes, device=CPU, corruptions=["fog"], workers=0)[4]
    x, _ = next(part.split.batches(7))
    assert (x * 255 - 99).abs().max() < 1.5
    with pytest.raises(UserError, match=r"has 4 x 5 pixels; expected 4 x 6"):
        write_imagenet_c(tmp_path, ["fog"], Source(), images, Progress(), shape=(3, 6, 4), format="jpeg")
