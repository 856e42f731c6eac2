"""The metrics on published files: known predictions give known numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from study.datasets.core.data import Data, TensorSplit
from study.errors import UserError
from study.evaluation import official_corruption, official_flips
from study.evaluation.official.imagenet_classes import WNIDS
from study.evaluation.rows import Correct, Row


class FirstPixel(nn.Module):
    """Prefers the class that the first pixel's value names, then the classes after it, round and round."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        named = (x[:, 0, 0, 0] * 255).round().long()
        return -((torch.arange(self.classes, device=x.device) - named[:, None]) % self.classes).float()


def data(classes: int, shape: tuple[int, int, int]) -> Data:
    split = TensorSplit(torch.zeros(1, *shape, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    return Data(split, split, split, classes=classes, shape=shape, fingerprint="")


def test_accuracy_on_cifar_100_c(tmp_path: Path) -> None:
    labels = np.tile([10, 20, 30, 40], 5)
    images = np.zeros((20, 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = labels
    images[4:6, 0, 0, 0] -= 4  # severity 2: two images only in the top five
    images[7, 0, 0, 0] -= 5  # and one not even there
    np.save(tmp_path / "fog.npy", images)
    np.save(tmp_path / "labels.npy", labels)
    arguments = {"folder": str(tmp_path), "layout": "cifar-100-c", "corruptions": ("fog",)}
    rows = official_corruption.METRIC(FirstPixel(100), data(100, (3, 4, 4)), **arguments)
    assert len(rows) == 10
    assert rows[0] == Row("cifar-100-c", "fog", 1, "accuracy", 1, Correct(4, b"\xf0"))
    assert rows[2:4] == [
        Row("cifar-100-c", "fog", 2, "accuracy", 0.25, Correct(4, b"\x20")),
        Row("cifar-100-c", "fog", 2, "top5", 0.75),
    ]


def test_accuracy_on_mnist_c(tmp_path: Path) -> None:
    (tmp_path / "zigzag").mkdir()
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(4, 1).repeat(4, 2)
    np.save(tmp_path / "zigzag" / "test_images.npy", images)
    np.save(tmp_path / "zigzag" / "test_labels.npy", np.array([0, 1, 2, 9]))
    rows = official_corruption.METRIC(
        FirstPixel(10), data(10, (1, 4, 4)), folder=str(tmp_path), layout="mnist-c", corruptions=("zigzag",)
    )
    assert rows == [Row("mnist-c", "zigzag", 1, "accuracy", 0.75, Correct(4, b"\xe0"))]


def save(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((7, 7, 3), value, np.uint8)).save(path)


def test_imagenet_c_with_its_own_classes(tmp_path: Path) -> None:
    for severity in range(1, 6):
        for label, name in enumerate(("cat", "dog", "emu")):
            save(tmp_path / "fog" / str(severity) / name / "a.png", label if severity < 5 else 0)
    arguments = {"folder": str(tmp_path), "layout": "imagenet-c", "corruptions": ("fog",), "workers": 0}
    rows = official_corruption.METRIC(FirstPixel(3), data(3, (3, 7, 7)), **arguments)
    assert [row.value for row in rows] == pytest.approx([1, 1, 1, 1, 1 / 3])
    with pytest.raises(UserError, match="fog/1 has 3 class folders, the model 4 classes"):
        official_corruption.METRIC(
            FirstPixel(4),
            data(4, (3, 7, 7)),
            classes_from=str(classes(tmp_path, "cat", "cow", "dog", "emu")),
            **arguments,
        )


def classes(root: Path, *names: str) -> Path:
    for name in names:
        (root / "train" / name).mkdir(parents=True)
    return root / "train"


def test_imagenet_r_predicts_among_its_own_classes(tmp_path: Path) -> None:
    # The model says 3, which ImageNet-R lacks; the next of its classes, 5 and then 6, counts.
    for i, value in ((5, 3), (6, 3), (200, 200)):
        save(tmp_path / WNIDS[i] / "a.png", value)
    arguments = {"folder": str(tmp_path), "layout": "imagenet-r", "workers": 0}
    rows = official_corruption.METRIC(FirstPixel(1000), data(1000, (3, 7, 7)), **arguments, batch=2)
    assert rows[0] == Row("imagenet-r", "rendition", 1, "accuracy", pytest.approx(2 / 3), Correct(3, b"\xa0"))
    with pytest.raises(UserError, match="imagenet-r with a model of 3 classes needs classes_from"):
        official_corruption.METRIC(FirstPixel(3), data(3, (3, 7, 7)), **arguments)
    with pytest.raises(UserError, match="takes no corruptions"):
        official_corruption.METRIC(FirstPixel(1000), data(1000, (3, 7, 7)), corruptions=("fog",), **arguments)


def test_flips_on_cifar_10_p(tmp_path: Path) -> None:
    frames = np.zeros((2, 4, 4, 4, 3), np.uint8)
    frames[:, :, 0, 0, 0] = [[0, 1, 1, 0], [2, 3, 3, 3]]
    for name in ("rotate", "gaussian_noise_2"):
        np.save(tmp_path / f"{name}.npy", frames)
    rows = official_flips.METRIC(
        FirstPixel(10),
        data(10, (3, 4, 4)),
        folder=str(tmp_path),
        layout="cifar-10-p",
        perturbations=("rotate", "gaussian_noise_2"),
    )
    assert rows == [
        Row("cifar-10-p", "rotate", 1, "flip_probability", pytest.approx((2 / 3 + 1 / 3) / 2)),
        Row("cifar-10-p", "gaussian_noise", 2, "flip_probability", pytest.approx((2 / 3 + 1) / 2)),
    ]


def test_flips_on_imagenet_p_frames(tmp_path: Path) -> None:
    for i, value in enumerate((0, 1, 2, 2)):
        save(tmp_path / "tilt" / "n01" / "a" / f"{i}.png", value)
    rows = official_flips.METRIC(
        FirstPixel(10),
        data(10, (3, 7, 7)),
        folder=str(tmp_path),
        layout="imagenet-p",
        perturbations=("tilt",),
        workers=0,
    )
    assert rows == [Row("imagenet-p", "tilt", 1, "flip_probability", pytest.approx(2 / 3))]
