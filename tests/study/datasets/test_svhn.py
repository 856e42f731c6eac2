from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from study.datasets import svhn
from study.errors import UserError
from tests.study.datasets.writers import TEST, TRAIN, images, labels, write_svhn

LOAD = {"device": torch.device("cpu")}


def write(root: Path) -> None:
    write_svhn(root / "train_32x32.mat", TRAIN)
    write_svhn(root / "test_32x32.mat", TEST)


def test_axes_and_the_digit_zero(tmp_path: Path) -> None:
    write(tmp_path)
    data = svhn.load(root=tmp_path, **LOAD)
    assert data.test.images[7, 2, 3, 4] == images(TEST, 32, 32, 3)[7, 3, 4, 2]
    assert data.test.labels.tolist() == labels(TEST).tolist()


@pytest.mark.parametrize("compress", [False, True])
def test_a_cut_file_is_named_wherever_it_is_cut(tmp_path: Path, compress: bool) -> None:
    write(tmp_path)
    path = tmp_path / "test_32x32.mat"
    savemat(path, {"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.ones((4, 1))}, do_compression=compress)
    whole = path.read_bytes()
    for length in [*range(0, 260, 9), len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match="test_32x32.mat") as error:
            svhn.load(root=tmp_path, **LOAD)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"X": images(32, 32, 3, 4)}, "no X and y"),
        ({"X": images(32, 32, 3, 4), "y": [1, 2, 3]}, "3 labels for 4 images"),
        ({"X": images(32, 32, 3, 4), "y": [1, 2, 3, 0]}, "label 0; expected 1 to 10"),
        ({"X": images(32, 32, 3, 4), "y": [1, 2, 3, 11]}, "from 1 to 11; expected 0 to 9"),
        ({"X": images(4, 32, 32, 3), "y": [1, 2, 3, 4]}, r"\(4, 32, 32, 3\); expected uint8 \(32, 32, 3, "),
        ({"X": images(32, 32, 3, 4) / 255, "y": [1, 2, 3, 4]}, "float64"),
    ],
)
def test_wrong_content_is_named(tmp_path: Path, content: dict[str, object], message: str) -> None:
    write(tmp_path)
    savemat(tmp_path / "train_32x32.mat", content)
    with pytest.raises(UserError, match=f"train_32x32.mat has .*{message}"):
        svhn.load(root=tmp_path, **LOAD)
