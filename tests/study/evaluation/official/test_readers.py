"""Readers of published layouts: what they read, in which order, and one line for what is wrong."""

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from study.errors import UserError
from study.evaluation.official.arrays import CORRUPTIONS, MNIST_C, cifar_c, mnist_c
from study.evaluation.official.images import imagenet_c, imagenet_r
from study.evaluation.official.parts import Part
from study.evaluation.official.sequences import PERTURBATIONS, cifar_p, imagenet_p

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)


def random(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture
def cifar(tmp_path: Path) -> Path:
    """CIFAR-10-C with 6 images, all fifteen corruptions and one held out."""
    for name in (*CORRUPTIONS, "saturate"):
        images = random(30, 4, 4, 3)
        images[:, 0, 0, 0] = np.arange(30)  # its row in the file
        np.save(tmp_path / f"{name}.npy", images)
    np.save(tmp_path / "labels.npy", np.tile(np.arange(6, dtype=np.uint8), 5))
    return tmp_path


def read_cifar(root: Path, **more: object) -> list[Part]:
    return cifar_c(root, **({"shape": (3, 4, 4), "classes": 10, "device": CPU} | more))


def test_cifar_c_has_five_severities_in_order(cifar: Path) -> None:
    parts = read_cifar(cifar)
    assert [part[:2] for part in parts] == [(n, s) for n in (*CORRUPTIONS, "saturate") for s in range(1, 6)]
    assert " ".join(CORRUPTIONS) == (
        "gaussian_noise shot_noise impulse_noise defocus_blur glass_blur motion_blur zoom_blur snow frost fog"
        " brightness contrast elastic_transform pixelate jpeg_compression"
    )
    whole = np.load(cifar / "fog.npy")
    part = next(part for part in parts if part[:2] == ("fog", 4))
    batches = list(part.split.batches(4))
    assert [len(y) for _, y in batches] == [4, 2]
    x, y = (torch.cat(tensors) for tensors in zip(*batches, strict=True))
    torch.testing.assert_close(x, torch.from_numpy(whole[18:24]).permute(0, 3, 1, 2) / 255)
    assert y.tolist() == list(range(6))
    assert y.dtype == torch.int64


def test_cifar_c_stays_on_disk_and_permutes_with_a_generator(cifar: Path) -> None:
    part = read_cifar(cifar, corruptions=["snow"])[1]
    assert isinstance(part.split.images, np.memmap)
    (x, y), *rest = part.split.batches(4, torch.Generator().manual_seed(1))
    assert not rest
    assert len(set(y.tolist())) == 4
    assert (x[:, 0, 0, 0] * 255).round().int().tolist() == [6 + label for label in y.tolist()]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "fog.npy").unlink(), r"fog\.npy is missing; expected.*\(30, 4, 4, 3\)"),
        (
            lambda root: (root / "fog.npy").rename(root / "fogg.npy"),
            r"fog\.npy is missing.*Is it fogg\.npy\?",
        ),
        (lambda root: truncate(root / "fog.npy"), r"fog\.npy cannot be read.*truncated"),
        (lambda root: (root / "fog.npy").write_bytes(b""), r"fog\.npy cannot be read"),
        (lambda root: (root / "fog.npy").write_bytes(b"hello" * 30), r"fog\.npy cannot be read"),
        (lambda root: np.save(root / "fog.npy", random(25, 4, 4, 3)), r"fog\.npy has shape \(25, 4, 4, 3\)"),
        (lambda root: np.save(root / "fog.npy", random(30, 3, 4, 4)), r"fog\.npy has shape.*\(30, 4, 4, 3\)"),
        (lambda root: np.save(root / "fog.npy", np.zeros((30, 4, 4, 3))), r"fog\.npy holds float64"),
        (
            lambda root: np.save(root / "fog.npy", np.zeros((30, 4, 4, 3), int)),
            r"fog\.npy holds int64.*uint8",
        ),
        (lambda root: np.save(root / "fog.npy", np.array([{}])), r"fog\.npy cannot be read"),
        (lambda root: np.save(root / "labels.npy", np.arange(29) % 9), r"labels\.npy has 29 labels"),
        (lambda root: np.save(root / "labels.npy", np.full(30, 10)), r"labels\.npy has labels from 10 to 10"),
        (lambda root: (root / "labels.npy").unlink(), r"labels\.npy is missing"),
        (shutil.rmtree, r"is not a folder"),
    ],
)
def test_cifar_c_names_the_file_that_is_wrong(cifar: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(cifar)
    with pytest.raises(UserError, match=message) as error:
        read_cifar(cifar)
    assert "\n" not in str(error.value)


def test_mnist_c_has_one_severity_each(tmp_path: Path) -> None:
    for name in MNIST_C:
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "test_images.npy", random(7, 8, 8, 1))
        np.save(tmp_path / name / "test_labels.npy", np.arange(7))
    arguments = {"shape": (1, 8, 8), "classes": 10, "device": CPU}
    parts = mnist_c(tmp_path, **arguments)
    assert len(parts) == 15
    assert {part.corruption: part.severity for part in parts} == dict(MNIST_C)
    x, y = next(parts[3].split.batches(100))
    expected = np.load(tmp_path / parts[3].corruption / "test_images.npy")
    torch.testing.assert_close(x[:, 0], torch.from_numpy(expected[..., 0]) / 255)
    assert y.tolist() == list(range(7))
    np.save(tmp_path / "zigzag" / "test_labels.npy", np.arange(6))
    with pytest.raises(UserError, match=r"zigzag/test_labels\.npy has shape \(6,\).*\(7\)"):
        mnist_c(tmp_path, **arguments)


CLASSES = ("n01", "n02", "n03")


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    """ImageNet-C, two images in each of three classes; the first pixel is 40 class + 10 severity + image."""
    for name in CORRUPTIONS:
        for severity in range(1, 6):
            for label, wnid in enumerate(CLASSES):
                for i in range(2):
                    image = np.full((6, 6, 3), 40 * label + 10 * severity + i, np.uint8)
                    save(tmp_path / name / str(severity) / wnid / f"{i}.png", image)
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
def test_imagenet_c_is_streamed_in_order(imagenet: Path, workers: int) -> None:
    parts = imagenet_c(imagenet, shape=(3, 6, 6), classes=CLASSES, device=CPU, workers=workers)
    assert len(parts) == 75
    name, severity, split, _ = parts[-3]
    assert (name, severity, len(split)) == ("jpeg_compression", 3, 6)
    x, y = (torch.cat(tensors) for tensors in zip(*split.batches(4), strict=True))
    assert (x[:, 0, 0, 0] * 255).round().int().tolist() == [30, 31, 70, 71, 110, 111]
    assert x.shape == (6, 3, 6, 6)
    assert y.tolist() == [0, 0, 1, 1, 2, 2]
    (x, y), *rest = split.batches(5, torch.Generator().manual_seed(0))
    assert not rest
    assert ((x[:, 2, 3, 3] * 255).round().int() // 40 == y).all()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_one_line_from_a_worker_too(imagenet: Path, workers: int) -> None:
    path = imagenet / "fog" / "2" / "n02" / "1.png"
    save(path, random(6, 6, 3))
    arguments = {"shape": (3, 6, 6), "classes": CLASSES, "device": CPU, "workers": workers}
    split = imagenet_c(imagenet, corruptions=["fog"], **arguments)[1].split
    truncate(path)
    with pytest.raises(UserError, match=r"n02/1\.png cannot be read as an image.*6 x 6") as error:
        list(split.batches(3))
    assert "\n" not in str(error.value)
    save(path, random(5, 6, 3))
    with pytest.raises(UserError, match=r"n02/1\.png has 6 x 5 pixels; expected 6 x 6"):
        list(split.batches(3))


def test_imagenet_c_checks_its_folders_first(imagenet: Path) -> None:
    arguments = {"shape": (3, 6, 6), "classes": CLASSES, "device": CPU, "workers": 0}
    for image in (imagenet / "fog" / "2" / "n02").iterdir():
        image.unlink()
    with pytest.raises(UserError, match=r"fog/2/n02 has no images"):
        len(imagenet_c(imagenet, corruptions=["fog"], **arguments)[1].split)
    (imagenet / "fog" / "2" / "n02").rmdir()
    with pytest.raises(UserError, match=r"fog/2 has 2 class folders, the model 3 classes.*n02"):
        imagenet_c(imagenet, **arguments)
    shutil.rmtree(imagenet / "fog" / "2")
    with pytest.raises(UserError, match=r"fog/2 is missing"):
        imagenet_c(imagenet, **arguments)
    with pytest.raises(UserError, match=r"frosty is not a folder"):
        imagenet_c(imagenet, corruptions=["frosty"], **arguments)


def test_imagenet_r_is_a_subset_of_the_classes_resized(tmp_path: Path) -> None:
    classes = ("n05", "n01", "n03", "n04")
    gradient = np.tile(np.arange(80, dtype=np.uint8)[None, :, None], (32, 1, 3))
    save(tmp_path / "n04" / "a.jpg", random(20, 30, 3))
    save(tmp_path / "n01" / "b.png", gradient)
    (part,) = imagenet_r(tmp_path, shape=(3, 14, 14), classes=classes, device=CPU, workers=0)
    assert part.outputs is not None
    assert part.outputs.tolist() == [1, 3]
    x, y = next(part.split.batches(10))
    assert y.tolist() == [0, 1]
    assert x.shape == (2, 3, 14, 14)
    # 32 x 80 becomes 16 x 40, and the centre 14 of its columns show 13.5, 14.5, ... of 40: 26.5 + 0.5 + ...
    expected = torch.from_numpy(gradient[0, :, 0].reshape(40, 2).mean(1)[13:27]).float()
    torch.testing.assert_close(x[0, 0, 7] * 255, expected, atol=1.1, rtol=0)
    save(tmp_path / "n09" / "c.png", gradient)
    with pytest.raises(UserError, match=r"n09 is not one of the model's 4 classes"):
        imagenet_r(tmp_path, shape=(3, 14, 14), classes=classes, device=CPU)


def test_cifar_p_reads_sequences_and_difficulties(tmp_path: Path) -> None:
    for name in (*PERTURBATIONS, "gaussian_noise_3", "shear"):
        np.save(tmp_path / f"{name}.npy", random(5, 16 if name == "translate" else 31, 4, 4, 3))
    parts = cifar_p(tmp_path, shape=(3, 4, 4), device=CPU)
    assert [part[:2] for part in parts] == [
        *((n, 1) for n in PERTURBATIONS),
        ("shear", 1),
        ("gaussian_noise", 3),
    ]
    frames = torch.cat(list(parts[6].sequences.batches(2)))
    expected = torch.from_numpy(np.load(tmp_path / "translate.npy")).permute(0, 1, 4, 2, 3) / 255
    torch.testing.assert_close(frames, expected)
    truncate(tmp_path / "snow.npy")
    with pytest.raises(UserError, match=r"snow\.npy cannot be read"):
        cifar_p(tmp_path, shape=(3, 4, 4), device=CPU)
    np.save(tmp_path / "snow.npy", random(5, 1, 4, 4, 3))
    with pytest.raises(UserError, match=r"snow\.npy has shape .* at least 2 frames"):
        cifar_p(tmp_path, shape=(3, 4, 4), device=CPU)


def test_imagenet_p_reads_folders_of_frames_by_number(tmp_path: Path) -> None:
    for sequence in range(3):
        for i in range(12):
            image = np.full((6, 6, 3), 20 * sequence + i, np.uint8)
            save(tmp_path / "rotate" / CLASSES[sequence] / "val_1" / f"img{i}.png", image)
    arguments = {"shape": (3, 6, 6), "device": CPU, "perturbations": ["rotate"], "workers": 0}
    (part,) = imagenet_p(tmp_path, **arguments)
    frames = torch.cat(list(part.sequences.batches(2)))
    expected = [[20 * sequence + i for i in range(12)] for sequence in range(3)]
    assert (frames[:, :, 0, 0, 0] * 255).round().int().tolist() == expected
    (tmp_path / "rotate" / "n02" / "val_1" / "img11.png").unlink()
    (part,) = imagenet_p(tmp_path, **arguments)
    with pytest.raises(UserError, match=r"n02/val_1 has shape \(11, 3, 6, 6\), its neighbour .*n01"):
        list(part.sequences.batches(2))


def test_imagenet_p_videos_need_av_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rotate" / "n01" / "val_1.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a video")
    arguments = {"shape": (3, 6, 6), "device": CPU, "perturbations": ["rotate"], "workers": 0}
    (part,) = imagenet_p(tmp_path, **arguments)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match=r"val_1\.mp4 is a video, which needs the package av: pip install av"):
        list(part.sequences.batches(1))

    def image(value: int, format: str) -> np.ndarray:
        assert format == "rgb24"
        return np.full((6, 6, 3), value, np.uint8)

    class FFmpegError(Exception):
        """As av's."""

    class Video:
        """As av's container, of three frames."""

        def __enter__(self) -> "Video":
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def decode(self, video: int) -> list[SimpleNamespace]:
            assert video == 0
            return [SimpleNamespace(to_ndarray=partial(image, i)) for i in range(3)]

    av = ModuleType("av")
    av.FFmpegError, av.open = FFmpegError, lambda _: Video()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "av", av)
    (frames,) = part.sequences.batches(1)
    assert (frames[0, :, 0, 0, 0] * 255).round().int().tolist() == [0, 1, 2]

    def broken(_: str) -> Video:
        raise FFmpegError("moov atom not found")

    av.open = broken  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"val_1\.mp4 cannot be read as a video \(moov atom not found\)"):
        list(part.sequences.batches(1))


def test_cifar_c_takes_labels_of_one_severity_and_no_hidden_files(cifar: Path) -> None:
    before = [torch.cat([y for _, y in part.split.batches(4)]) for part in read_cifar(cifar)]
    labels = np.load(cifar / "labels.npy")
    np.save(cifar / "labels.npy", labels[: len(labels) // 5])
    (cifar / "._speckle_noise.npy").write_bytes(b"junk")
    after = [torch.cat([y for _, y in part.split.batches(4)]) for part in read_cifar(cifar)]
    assert len(after) == len(before) and all(map(torch.equal, after, before))
