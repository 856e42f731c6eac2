"""AugMix views a second: this project's batched operators beside what a user would reach for instead.

    python benchmarks/augmix.py --threads 2

Every contender makes two views of each image, 32 x 32 x 3, in batches of 128, from uint8 to float in [0, 1].
Ours runs in one process with `threads` threads. torchvision's transform and Pillow's operators treat one
image at a time, so each gets a DataLoader with `threads` worker processes, started before the clock is.
The contenders take turns for a few rounds, and medians are compared.

The machine must be idle: a batch is some hundred short parallel regions, and at the end of each OpenMP's threads wait
for the slowest. A process that takes one of the cores makes two threads many times slower than one.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from trainers.core.method import generator
from trainers.parts.augment import augmix

BATCH, SIZE, VIEWS = 128, 32, 2
BILINEAR = Image.Resampling.BILINEAR


def warp(image: Image.Image, *matrix: float) -> Image.Image:
    """Resamples an image as the AugMix paper's authors do."""
    return image.transform((SIZE, SIZE), Image.Transform.AFFINE, matrix, resample=BILINEAR)


OPERATORS: list[Callable[[Image.Image, float, int], Image.Image]] = [
    lambda image, _level, _sign: ImageOps.autocontrast(image),
    lambda image, _level, _sign: ImageOps.equalize(image),
    lambda image, level, _sign: ImageOps.posterize(image, 4 - int(level * 0.4)),
    lambda image, level, _sign: ImageOps.solarize(image, 256 - int(level * 25.6)),
    lambda image, level, sign: image.rotate(sign * int(level * 3), resample=BILINEAR),
    lambda image, level, sign: warp(image, 1, sign * level * 0.03, 0, 0, 1, 0),
    lambda image, level, sign: warp(image, 1, 0, 0, sign * level * 0.03, 1, 0),
    lambda image, level, sign: warp(image, 1, 0, sign * int(level * SIZE / 30), 0, 1, 0),
    lambda image, level, sign: warp(image, 1, 0, 0, 0, 1, sign * int(level * SIZE / 30)),
]


def pillow_augmix(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Returns one view, float32 in [0, 1]: the published algorithm with Pillow and NumPy."""
    weights, m = rng.dirichlet([1, 1, 1]), rng.beta(1, 1)
    mixed = (1 - m) * np.asarray(image, np.float32)
    for weight in weights:
        chain = image
        for _ in range(rng.integers(1, 4)):
            operator = OPERATORS[rng.integers(len(OPERATORS))]
            chain = operator(chain, rng.uniform(0.1, 3), 1 if rng.random() < 0.5 else -1)
        mixed += m * weight * np.asarray(chain, np.float32)
    return (mixed / 255).astype(np.float32)


class ByPillow(Dataset[list[np.ndarray]]):
    """Images, each as two views by Pillow."""

    def __init__(self, images: Tensor) -> None:
        self.images = [Image.fromarray(each.permute(1, 2, 0).numpy()) for each in images]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> list[np.ndarray]:
        rng = np.random.default_rng(index)
        return [pillow_augmix(self.images[index], rng) for _ in range(VIEWS)]


class ByTorchvision(Dataset[list[Tensor]]):
    """Images, each as two views by torchvision's transform, with the same nine operators."""

    def __init__(self, images: Tensor) -> None:
        self.images, self.transform = images, v2.AugMix(all_ops=False)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> list[Tensor]:
        return [self.transform(self.images[index]).float() / 255 for _ in range(VIEWS)]


def ours(images: Tensor) -> Iterator[list[Tensor]]:
    """Yields batches of two views."""
    rng = generator(torch.device("cpu"), 0)
    for batch in images.split(BATCH):
        x = batch.float() / 255
        yield list(augmix(x, rng, views=VIEWS).chunk(VIEWS))


def rate(batches: Iterator[list[Tensor]], count: int) -> float:
    """Returns views a second over `count` batches, after two to warm up."""
    for _ in range(2):
        next(batches)
    start = time.perf_counter()
    for _ in range(count):
        next(batches)
    return count * BATCH * VIEWS / (time.perf_counter() - start)


def main() -> None:
    """Times the three in turns and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads for ours, workers for the others")
    parser.add_argument("--batches", type=int, default=20, help="batches to time")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each takes")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    shape = ((args.batches + 10) * BATCH, 3, SIZE, SIZE)
    images = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    rates: dict[str, list[float]] = {"ours": [], "torchvision": [], "Pillow": []}
    for _ in range(args.rounds):
        rates["ours"].append(rate(ours(images), args.batches))
        for name, data in {"torchvision": ByTorchvision(images), "Pillow": ByPillow(images)}.items():
            loader = DataLoader(data, BATCH, num_workers=args.threads)  # type: ignore[var-annotated,arg-type]
            rates[name].append(rate(iter(loader), args.batches))
    for name, found in rates.items():
        print(f"{name:<12} {median(found):>8.0f} views/s  ({min(found):.0f} to {max(found):.0f})")
    ratio = median(rates["ours"]) / max(median(rates["torchvision"]), median(rates["Pillow"]))
    print(f"ours / the faster of the others: {ratio:.1f}, {args.threads} threads each")


if __name__ == "__main__":
    main()
