"""Stylised images in training batches."""

from pathlib import Path

import numpy as np
import pytest
import torch

from study.datasets import image_folder, image_parquet
from study.datasets.core.data import TensorSplit
from study.datasets.core.mixed import Mixed
from study.errors import UserError
from tests.study.datasets.writers import images, png, write_folder, write_parquet

CPU = torch.device("cpu")


def split(count: int, brightness: int) -> TensorSplit:
    return TensorSplit(torch.full((count, 1, 2, 2), brightness, dtype=torch.uint8), torch.arange(count))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_batches_start_with_the_share_and_the_epoch_keeps_its_length() -> None:
    mixed = Mixed(split(100, 0), split(7, 255), 0.3).to(CPU)
    batches = list(mixed.batches(10, rng()))
    assert len(mixed) == 100 and len(batches) == 10
    seen = torch.zeros(7, dtype=torch.int64)
    plain: list[int] = []
    for x, y in batches:
        assert x.flatten(1).mean(1).tolist() == [1.0] * 3 + [0.0] * 7 and len(y) == 10
        seen += y[:3].bincount(minlength=7)
        plain += y[3:].tolist()
    assert len(set(plain)) == 70  # none twice
    assert seen.min() >= 3 and seen.sum() == 30  # each about 30 / 7 times: drawn anew when they end
    again = list(mixed.batches(10, rng()))
    assert all(
        torch.equal(a, b) for one, two in zip(batches, again, strict=True) for a, b in zip(one, two, strict=True)
    )
    meta = mixed.to(torch.device("meta"))
    assert {meta.plain.images.device.type, meta.stylised.labels.device.type} == {"meta"} and meta.share == 0.3
    ordered = list(mixed.batches(30))
    assert [len(x) for x, _ in ordered] == [30, 30, 30, 10] and not any(x.any() for x, _ in ordered)
    alone = next(mixed.batches(1, rng()))[0]
    assert alone.shape == (1, 1, 2, 2) and not alone.any()


def test_a_folder_of_stylised_images(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", {"apple": 30, "bird": 30})
    write_folder(tmp_path / "val", {"apple": 2})
    write_folder(tmp_path / "painted", {"apple": 30, "bird": 30})
    load = lambda **more: image_folder.load(root=tmp_path, device=CPU, size=16, validation=0.2, **more)  # noqa: E731
    before, data = load(), load(stylised="painted", p_stylised=0.5)
    assert len(data.train) == 48 and len(data.train.stylised) == 48
    held = {name.decode().removeprefix("train") for name in data.validation.names}
    painted = {name.decode().removeprefix("painted") for name in data.train.stylised.names}
    assert not held & painted and len(held | painted) == 60
    batches = list(data.train.batches(12, rng()))
    assert [x.shape for x, _ in batches] == [(12, 3, 16, 16)] * 4
    assert data.fingerprint != before.fingerprint == load().fingerprint
    with (tmp_path / "painted/bird/4.png").open("ab") as file:
        file.write(b"x")
    assert load(stylised="painted").fingerprint not in (data.fingerprint, before.fingerprint)
    with pytest.raises(UserError, match="no folder .*drawn"):
        load(stylised="drawn")
    (tmp_path / "painted/bird").rename(tmp_path / "painted/crow")
    with pytest.raises(UserError, match="painted/crow has no counterpart in .*train"):
        load(stylised="painted")


def test_stylised_rows_of_parquet(tmp_path: Path) -> None:
    plain, numbers = images(60, 8, 8, 3), [i % 3 for i in range(60)]
    for name, array in (("train", plain), ("test", plain[:9]), ("painted", 255 - plain)):
        write_parquet(tmp_path / f"{name}.parquet", [png(image) for image in array], numbers[: len(array)])
    load = lambda **more: image_parquet.load(root=tmp_path, device=CPU, **more)  # noqa: E731
    data = load(stylised="painted")
    restyled = data.train.stylised
    assert torch.equal(restyled.images, 255 - data.train.plain.images)
    assert torch.equal(restyled.labels, data.train.plain.labels)
    assert data.fingerprint not in (load().fingerprint, load(stylised="train").fingerprint)
    x, y = next(data.train.batches(10, rng()))
    originals = {
        tuple(np.ravel(image)): label
        for image, label in zip(data.train.plain.images, data.train.plain.labels, strict=True)
    }
    for image, label in zip((255 * (1 - x[:3])).round().to(torch.uint8), y[:3], strict=True):
        assert originals[tuple(np.ravel(image))] == label
    write_parquet(tmp_path / "painted.parquet", [png(image) for image in plain], numbers[::-1])
    with pytest.raises(UserError, match="painted.parquet has images .* a row for each of train's"):
        load(stylised="painted")
