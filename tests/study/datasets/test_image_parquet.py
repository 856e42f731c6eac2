import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from study.datasets import image_parquet
from study.errors import UserError
from tests.study.datasets.writers import images, png, write_parquet

CPU = torch.device("cpu")
COLOUR = images(60, 12, 10, 3)


def write(root: Path) -> None:
    write_parquet(root / "train.parquet", [png(image) for image in COLOUR], [i % 3 for i in range(60)])
    write_parquet(root / "test.parquet", [png(image) for image in COLOUR[:20]], [i % 3 for i in range(20)])


def _refused(root: Path, message: str, **config: object) -> None:
    with pytest.raises(UserError, match=message) as error:
        image_parquet.load(root=root, device=CPU, **config)
    assert "\n" not in str(error.value) and str(root) in str(error.value)


def test_pixels_and_labels_are_those_of_the_files(tmp_path: Path) -> None:
    write(tmp_path)
    data = image_parquet.load(root=tmp_path, device=CPU)
    assert (data.shape, data.classes, len(data.train), len(data.validation)) == ((3, 12, 10), 3, 54, 6)
    assert np.array_equal(data.test.images.numpy(), COLOUR[:20].transpose(0, 3, 1, 2))
    assert data.test.labels.tolist() == [i % 3 for i in range(20)]


@pytest.mark.parametrize("folder", ["", "data"])
def test_hub_shards_give_the_same_data(tmp_path: Path, folder: str) -> None:
    write(tmp_path / "whole")
    hub = tmp_path / "hub"
    encoded = [png(image) for image in COLOUR]
    for shard in range(2):
        part = slice(30 * shard, 30 * shard + 30)
        path = hub / folder / f"train-0000{shard}-of-00002.parquet"
        write_parquet(path, encoded[part], [i % 3 for i in range(60)][part], image="image")
    write_parquet(hub / folder / "test-00000-of-00001.parquet", encoded[:20], [i % 3 for i in range(20)])
    got, want = (image_parquet.load(root=root, device=CPU) for root in (hub, tmp_path / "whole"))
    assert got.fingerprint == want.fingerprint
    (hub / folder / "train-00000-of-00002.parquet").unlink()
    _refused(hub, "has 1 train shards; expected 00002")


def test_columns_can_be_named_and_grey_is_kept_or_made(tmp_path: Path) -> None:
    grey = [png(image[..., 0]) for image in COLOUR]
    for part in ("train", "valid"):
        table = {"coarse": [0] * 60, "fine": [i % 4 for i in range(60)], "x": pa.array(grey, pa.binary())}
        pq.write_table(pa.table(table), tmp_path / f"{part}.parquet")
    _refused(tmp_path, "no file .*test.parquet", label="fine")
    _refused(tmp_path, "2 columns of whole numbers, expected 1.*coarse.*choose one by `label`", test="valid")
    _refused(tmp_path, "0 columns of whole numbers called 'x'", test="valid", label="x")
    data = image_parquet.load(root=tmp_path, device=CPU, test="valid", label="fine")
    assert (data.shape, data.classes) == ((1, 12, 10), 4)
    assert np.array_equal(data.test.images[:, 0].numpy(), COLOUR[..., 0])
    three = image_parquet.load(root=tmp_path, device=CPU, test="valid", label="fine", channels=3)
    assert torch.equal(three.test.images, data.test.images.expand(-1, 3, -1, -1))


def test_faults_are_named(tmp_path: Path) -> None:
    write(tmp_path)
    good, path = png(COLOUR[0]), tmp_path / "test.parquet"
    whole = path.read_bytes()
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        _refused(tmp_path, "test.parquet is cut or no Parquet file")
    write_parquet(path, [good, good[: len(good) // 2]], [0, 1])
    _refused(tmp_path, "image 1 of test.parquet in .* cannot be decoded")
    write_parquet(path, [good, b"no image"], [0, 1])
    _refused(tmp_path, "image 1 of test.parquet in .* cannot be decoded")
    write_parquet(path, [good, b""], [0, 1])
    _refused(tmp_path, "image 1 of test.parquet in .* cannot be decoded")
    write_parquet(path, [good, png(COLOUR[0, 1:])], [0, 1])
    _refused(tmp_path, r"image 1 of test.parquet .* is \(3, 11, 10\), the first \(3, 12, 10\)")
    write_parquet(path, [png(COLOUR[0, 1:])], [0])
    _refused(tmp_path, r"\(3, 12, 10\) in train and \(3, 11, 10\) in test")
    write_parquet(path, [_deep()], [0])
    _refused(tmp_path, "image 0 of test.parquet .* expected 8 bits a channel")
    write_parquet(path, [good], [3])
    _refused(tmp_path, "test.parquet has labels from 3 to 3; expected 0 to 2")
    write_parquet(path, [good], [-1])
    _refused(tmp_path, "test.parquet has labels from -1 to -1")
    write_parquet(path, [], [])
    _refused(tmp_path, "test.parquet.*")
    pq.write_table(pa.table({"img": [{"bytes": good}], "label": pa.array([None], pa.int64())}), path)
    _refused(tmp_path, "without a label")
    pq.write_table(pa.table({"label": [1]}), path)
    _refused(tmp_path, r"0 columns of encoded bytes .*expected 1. Columns: label \(int64\)")
    bare = pa.array([{"bytes": None}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"img": bare, "label": [1]}), path)
    _refused(tmp_path, "image 0 of test.parquet .* has no bytes")


def _deep() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((12, 10), 1000, dtype=np.uint16)).save(file, "PNG")
    return file.getvalue()


def test_the_real_subset_loads(shared_data: Path) -> None:
    data = image_parquet.load(root=shared_data / "cifar10-jpeg", device=CPU, pad=4, flip=0.5)
    assert (len(data.train), len(data.validation), len(data.test)) == (18000, 2000, 4000)
    assert data.shape == (3, 32, 32) and data.classes == 10
    means = data.train.images.float().mean(dim=(0, 2, 3)) / 255
    assert torch.allclose(means, torch.tensor([0.491, 0.482, 0.447]), atol=0.01)  # CIFAR-10's published means


def test_hub_shards_with_a_hash_and_hidden_files_are_read(tmp_path: Path) -> None:
    write(tmp_path / "whole")
    hub, digits = tmp_path / "hub/data", "0123456789abcdef"
    hub.mkdir(parents=True)
    for part in ("train", "test"):
        (tmp_path / f"whole/{part}.parquet").rename(hub / f"{part}-00000-of-00001-{digits}.parquet")
        (hub / f"._{part}-00000-of-00001-{digits}.parquet").write_bytes(b"junk")
    assert len(image_parquet.load(root=tmp_path / "hub", device=CPU).train) == 54


@pytest.mark.parametrize("values", [(1, 2, 3), (2, 5, 9), (0, 1, 3)])
def test_labels_with_gaps_are_refused_or_renumbered(values: tuple[int, ...], tmp_path: Path) -> None:
    for part, count in (("train", 60), ("test", 20)):
        encoded = [png(image) for image in COLOUR[:count]]
        write_parquet(tmp_path / f"{part}.parquet", encoded, [values[i % 3] for i in range(count)])
    _refused(tmp_path, rf"has labels {values[0]}, .* no image of the label \d.*Renumber them with --set data.renumber")
    data = image_parquet.load(root=tmp_path, device=CPU, renumber=True)
    assert data.classes == 3 and data.test.labels.tolist() == [i % 3 for i in range(20)]
