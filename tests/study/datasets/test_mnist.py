import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from study.datasets import mnist
from study.errors import UserError
from tests.study.datasets.writers import TEST, TRAIN, images, labels, write_idx, write_mnist_like

CPU = torch.device("cpu")


def write(root: Path) -> None:
    write_mnist_like(root, "MNIST")


def test_images_and_labels_are_those_of_the_files(tmp_path: Path) -> None:
    write(tmp_path)
    data = mnist.load(root=tmp_path, device=CPU)
    assert np.array_equal(data.test.images.numpy()[:, 0], images(TEST, 28, 28))
    assert data.test.labels.tolist() == labels(TEST).tolist()
    both = torch.cat([data.train.images, data.validation.images])
    assert len(data.validation) == 10 and len(both) == TRAIN
    want = sorted(image.tobytes() for image in images(TRAIN, 28, 28))
    assert sorted(image.numpy().tobytes() for image in both) == want


def test_the_real_subset_loads(shared_data: Path) -> None:
    data = mnist.load(root=shared_data / "mnist10k", device=CPU)
    assert (len(data.train), len(data.validation), len(data.test)) == (7200, 800, 2000)
    assert data.validation.labels.bincount().min() > 60


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("train-images-idx3-ubyte", lambda b: b[:-1], "78415 bytes; expected 78416"),
        ("train-images-idx3-ubyte", lambda b: b[:3], "expected [0, 0, 8, 3]"),
        ("t10k-labels-idx1-ubyte", lambda _: b"PK\x03\x04 surely not", "expected [0, 0, 8, 1]"),
        ("t10k-labels-idx1-ubyte", lambda b: b[:-1] + b"\x0b", "labels from 0 to 11; expected 0 to 9"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, file: str, damage, message: str) -> None:
    write(tmp_path)
    path = tmp_path / "MNIST/raw" / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError) as error:
        mnist.load(root=tmp_path, device=CPU)
    assert str(path) in str(error.value) and message in str(error.value) and "\n" not in str(error.value)


def test_wrong_shapes_and_counts_are_named(tmp_path: Path) -> None:
    write(tmp_path)
    write_idx(tmp_path / "MNIST/raw/train-labels-idx1-ubyte", labels(TRAIN - 1))
    with pytest.raises(UserError, match="99 labels for 100 images"):
        mnist.load(root=tmp_path, device=CPU)
    write_idx(tmp_path / "MNIST/raw/train-images-idx3-ubyte", images(TRAIN, 28, 27))
    with pytest.raises(UserError, match="28 x 27; expected 28 x 28"):
        mnist.load(root=tmp_path, device=CPU)


def test_downloads_only_when_allowed_and_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fetch(root: str, download: bool) -> None:
        calls.append(download)
        write(Path(root))

    monkeypatch.setattr("torchvision.datasets.MNIST", fetch)
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte.*--download"):
        mnist.load(root=tmp_path, device=CPU)
    assert calls == []
    mnist.load(root=tmp_path, device=CPU, download=True)
    mnist.load(root=tmp_path, device=CPU, download=True)
    assert calls == [True]


def test_a_failed_download_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str, **__: bool) -> None:
        raise RuntimeError("no mirror answers\nsecond line")

    monkeypatch.setattr("torchvision.datasets.MNIST", fail)
    with pytest.raises(UserError, match="mnist could not be downloaded.*no mirror answers$"):
        mnist.load(root=tmp_path, device=CPU, download=True)


def test_too_few_images_to_hold_out_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UserError, match="cannot hold out validation = 0.05 of 100 training images of 10"):
        mnist.load(root=tmp_path, device=CPU, validation=0.05)


def test_packed_files_are_read_as_they_are(tmp_path: Path) -> None:
    write(tmp_path)
    before = mnist.load(root=tmp_path, device=CPU).fingerprint
    for file in list((tmp_path / "MNIST/raw").iterdir()):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert mnist.load(root=tmp_path, device=CPU).fingerprint == before
    packed = tmp_path / "MNIST/raw/train-images-idx3-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(UserError, match="train-images-idx3-ubyte.gz cannot be unpacked.*Is it cut"):
        mnist.load(root=tmp_path, device=CPU)
