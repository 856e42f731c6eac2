import os
from pathlib import Path

import numpy as np
import pytest
import torch

from study.datasets import cifar10
from study.errors import UserError
from tests.study.datasets.writers import TEST, images, labels, write_cifar, write_pickle

LOAD = {"device": torch.device("cpu")}
FOLDER = "cifar-10-batches-py"


def write(root: Path) -> None:
    for i in range(1, 6):
        write_cifar(root / FOLDER / f"data_batch_{i}", 20, "labels", 10)
    write_cifar(root / FOLDER / "test_batch", TEST, "labels", 10)


def test_pixels_are_red_green_blue_planes(tmp_path: Path) -> None:
    write(tmp_path)
    data = cifar10.load(root=tmp_path, **LOAD)
    flat = images(TEST, 3072)
    assert (len(data.train), len(data.validation)) == (90, 10)
    assert data.test.images[3, 1, 2, 5] == flat[3, 1024 + 2 * 32 + 5]
    assert data.test.labels.tolist() == labels(TEST).tolist()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_every_pickle_protocol_is_read(tmp_path: Path, protocol: int) -> None:
    write(tmp_path)
    before = cifar10.load(root=tmp_path, **LOAD).fingerprint
    content = {"data": images(TEST, 3072), "labels": labels(TEST).tolist()}
    write_pickle(tmp_path / FOLDER / "test_batch", content, protocol)
    assert cifar10.load(root=tmp_path, **LOAD).fingerprint == before


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("it-ran",)


def test_code_in_a_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    write_pickle(tmp_path / FOLDER / "test_batch", {"data": _Runs()})
    with pytest.raises(UserError, match="test_batch is cut or no pickle of plain arrays: it asks"):
        cifar10.load(root=tmp_path, **LOAD)
    assert not (tmp_path / "it-ran").exists()


def test_a_cut_file_is_named_wherever_it_is_cut(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / FOLDER / "data_batch_4"
    whole = path.read_bytes()
    for length in [*range(0, 200, 7), len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match="data_batch_4 is cut"):
            cifar10.load(root=tmp_path, **LOAD)


def test_damaged_bytes_are_an_error_or_data(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / FOLDER / "data_batch_4"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.integers(0, 300, 200):
        wrong = bytes([whole[place] ^ int(rng.integers(1, 256))])
        path.write_bytes(whole[:place] + wrong + whole[place + 1 :])
        try:
            cifar10.load(root=tmp_path, **LOAD)
        except UserError as error:
            refused += 1
            assert str(path) in str(error) and "\n" not in str(error)
    assert refused > 50


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "no 'data' and 'labels'"),
        ({"data": images(4, 3072), "fine_labels": [0] * 4}, "no 'data' and 'labels'"),
        ({"data": images(4, 3000), "labels": [0] * 4}, r"of \(4, 3000\); expected uint8 of \(images, 3072\)"),
        ({"data": images(4, 3072).astype(float), "labels": [0] * 4}, "float64"),
        ({"data": images(4, 3072), "labels": [0] * 3}, "3 labels for 4 images"),
        ({"data": images(4, 3072), "labels": [0, 1, 2, 10]}, "from 0 to 10; expected 0 to 9"),
        ({"data": images(4, 3072), "labels": ["a"] * 4}, "no list of whole numbers"),
    ],
)
def test_wrong_content_is_named(tmp_path: Path, content: object, message: str) -> None:
    write(tmp_path)
    write_pickle(tmp_path / FOLDER / "data_batch_2", content)
    with pytest.raises(UserError, match=f"data_batch_2.*{message}"):
        cifar10.load(root=tmp_path, **LOAD)


def test_a_misnamed_file_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / FOLDER / "test_batch").rename(tmp_path / FOLDER / "test_batch.bin")
    with pytest.raises(UserError, match=r"cifar10 has no file .*test_batch\. "):
        cifar10.load(root=tmp_path, **LOAD)
