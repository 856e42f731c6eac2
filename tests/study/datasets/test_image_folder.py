from pathlib import Path

import pytest
import torch
from PIL import Image

from study.datasets import image_folder
from study.datasets.core.data import Data
from study.errors import UserError
from tests.study.datasets.writers import images, png, write_folder

CPU = torch.device("cpu")


def write(root: Path) -> None:
    write_folder(root / "train", {"apple": 30, "bird": 30})
    write_folder(root / "val", {"bird": 5})
    write_folder(root / "val2", {"apple": 3})
    (root / "val2/apple").rename(root / "val/apple")


def _load(root: Path, **config: object) -> Data:
    return image_folder.load(root=root, device=CPU, size=16, **config)


def test_splits_labels_and_shapes(tmp_path: Path) -> None:
    write(tmp_path)
    data = _load(tmp_path, validation=0.2)
    assert (len(data.train), len(data.validation), len(data.test)) == (48, 12, 8)
    assert (data.shape, data.classes) == ((3, 16, 16), 2)
    assert data.test.labels.tolist() == [0] * 3 + [1] * 5
    assert data.validation.labels.bincount().tolist() == [6, 6]
    assert not set(data.train.names) & set(data.validation.names)
    batches = list(data.test.batches(3))
    assert [tuple(x.shape) for x, _ in batches] == [(3, 3, 16, 16), (3, 3, 16, 16), (2, 3, 16, 16)]
    assert torch.equal(torch.cat([y for _, y in batches]), data.test.labels)


def test_evaluation_is_the_resized_centre(tmp_path: Path) -> None:
    write(tmp_path)
    x = next(_load(tmp_path).test.batches(8))[0]
    names = [f"apple/{i}.png" for i in range(3)] + [f"bird/{i}.png" for i in range(5)]
    for got, name in zip(x, names, strict=True):
        image = Image.open(tmp_path / "val" / name)
        scale = 18 / min(image.size)  # 16 * 256 / 224 = 18.3
        width, height = int(image.width * scale), int(image.height * scale)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        left, top = round((width - 16) / 2), round((height - 16) / 2)
        want = torch.tensor(list(image.crop((left, top, left + 16, top + 16)).tobytes())).view(16, 16, 3)
        assert (got * 255 - want.permute(2, 0, 1)).abs().max() <= 1.01


def test_training_batches_depend_on_the_generator_alone(tmp_path: Path) -> None:
    write(tmp_path)
    train = _load(tmp_path).train
    state, threads = torch.get_rng_state(), torch.get_num_threads()

    def epoch(seed: int) -> list[torch.Tensor]:
        return [x for x, _ in train.batches(20, torch.Generator().manual_seed(seed))]

    first, other = epoch(0), epoch(1)
    try:
        torch.set_num_threads(threads % 2 + 1)  # and with it the number of workers
        again = epoch(0)
    finally:
        torch.set_num_threads(threads)
    assert [len(x) for x in first] == [20, 20]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert torch.equal(state, torch.get_rng_state())


def test_the_fingerprint_is_of_paths_and_sizes(tmp_path: Path) -> None:
    for root in ("a", "b"):
        write(tmp_path / root)
    before = _load(tmp_path / "a").fingerprint
    assert _load(tmp_path / "b").fingerprint == before
    (tmp_path / "b/val/bird/4.png").rename(tmp_path / "b/val/bird/5.png")
    renamed = _load(tmp_path / "b").fingerprint
    with (tmp_path / "a/val/bird/4.png").open("ab") as file:
        file.write(b"x")
    assert len({before, renamed, _load(tmp_path / "a").fingerprint}) == 3


def test_faults_are_named(tmp_path: Path) -> None:
    def refused(message: str) -> None:
        with pytest.raises(UserError, match=message) as error:
            list(_load(tmp_path).test.batches(4))
        assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)

    refused("no folder .*train.")
    write(tmp_path)
    path = tmp_path / "val/bird/2.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused("val/bird/2.png cannot be decoded")
    path.write_bytes(b"no image")
    refused("val/bird/2.png cannot be decoded")
    path.unlink()
    path.mkdir()
    refused("val/bird/2.png cannot be decoded")
    path.rmdir()
    (tmp_path / "val/zebra").mkdir()
    refused("val/zebra holds no image")
    (tmp_path / "val/zebra/1.png").write_bytes(png(images(1, 9, 9, 3)[0]))
    refused("val/zebra has no counterpart in .*train")


def test_hidden_files_and_folders_are_no_data(tmp_path: Path) -> None:
    write(tmp_path)
    before = _load(tmp_path).fingerprint
    for part in ("train", "val"):
        for junk in (".ipynb_checkpoints/a.png", "__MACOSX/b.png", ".DS_Store", "bird/._0.png", "bird/.DS_Store"):
            file = tmp_path / part / junk
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"junk")
    data = _load(tmp_path)
    assert data.classes == 2 and data.fingerprint == before


def test_batches_need_no_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers send arrays through a pipe: a tensor would ask for shared memory, which is refused here."""
    write(tmp_path)
    monkeypatch.setattr("torch.multiprocessing.reductions.reduce_storage", _refuse)
    monkeypatch.setattr("torch.multiprocessing.reductions.reduce_tensor", _refuse)
    assert sum(len(x) for x, _ in _load(tmp_path).test.batches(3)) == 8


def _refuse(*_: object) -> None:
    raise RuntimeError("no shared memory")
