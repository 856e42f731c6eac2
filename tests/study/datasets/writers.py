"""Small synthetic data sets in the formats that are published, and what loading them has to give."""

import io
import pickle
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.io import savemat

TRAIN, TEST = 100, 20


def images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int, classes: int = 10) -> np.ndarray:
    return np.arange(count) % classes


def write_idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", size) for size in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_mnist_like(root: Path, folder: str) -> None:
    for part, count in (("train", TRAIN), ("t10k", TEST)):
        write_idx(root / folder / "raw" / f"{part}-images-idx3-ubyte", images(count, 28, 28))
        write_idx(root / folder / "raw" / f"{part}-labels-idx1-ubyte", labels(count))


def write_pickle(path: Path, content: object, protocol: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=protocol))


def write_cifar(path: Path, count: int, key: str, classes: int) -> None:
    content = {"data": images(count, 3072), key: labels(count, classes).tolist(), "batch_label": "one"}
    write_pickle(path, content)


def write_svhn(path: Path, count: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digits = labels(count)
    stored = {"X": images(count, 32, 32, 3).transpose(1, 2, 3, 0), "y": np.where(digits, digits, 10)[:, None]}
    savemat(path, stored)


def png(array: np.ndarray) -> bytes:
    """Encodes (H, W) or (H, W, 3) uint8 without loss."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def write_parquet(path: Path, encoded: list[bytes], numbers: list[int], image: str = "img") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    column = [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(encoded)]
    pq.write_table(pa.table({image: column, "label": pa.array(numbers, pa.int64())}), path, row_group_size=16)


def write_folder(root: Path, per_class: dict[str, int]) -> None:
    """Writes root/<class>/<i>.png; class k is of brightness near 40 k."""
    for k, (name, count) in enumerate(per_class.items()):
        (root / name).mkdir(parents=True)
        for i in range(count):
            height, width = (40, 56) if i % 2 else (64, 32)
            image = images(i + 1, height, width, 3)[0] // 8 + np.uint8(40 * k)
            (root / name / f"{i}.png").write_bytes(png(image))
