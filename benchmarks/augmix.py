"""AugMix views a second: this project's batched operators beside what a user would reach for instead.

    python -m benchmarks.augmix --threads 2
    python -m benchmarks.augmix --device cuda

Every contender makes two views of each image, 32 x 32 x 3, in batches of 128, from uint8 to float in [0, 1].
Ours runs in one process with `threads` threads, or on a GPU. torchvision's transform and Pillow's operators treat
one image at a time, so each gets a DataLoader with `threads` worker processes, whose two first batches are not
timed. The contenders take turns for some rounds. Two yardsticks: views a second of wall-clock time, and
milliseconds of processor time a batch, of all threads and workers together, which hardly depends on what else the
machine does. Ratios are medians over rounds of the ratio to the faster of the other two in the same round.

Then the share of a training step (forward and backward of three views with the consistency loss, SGD) that AugMix
takes with a pre-activation ResNet-18, in processor time on a CPU, and in bf16 and time between synchronisations
on a GPU.

Wall-clock times need an idle machine: a batch is some hundred short parallel regions, and at the end of each OpenMP's
threads wait for the slowest. A process that takes one of the cores makes two threads many times slower than one, unless
they wait asleep: on a busy machine set OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from study.models.preact_resnet18 import PreActResNet18
from trainers.augmix import AugMix
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


def ours(images: Tensor, device: torch.device) -> Iterator[list[Tensor]]:
    """Yields batches of two views."""
    rng = generator(device, 0)
    for batch in images.to(device).split(BATCH):
        x = batch.float() / 255
        yield list(augmix(x, rng, views=VIEWS).chunk(VIEWS))


def processor_seconds() -> float:
    """Returns the processor time of this process and of the workers that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


def wait(device: torch.device) -> None:
    """Waits until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(batches: Iterator[list[Tensor]], count: int, device: torch.device) -> tuple[float, float]:
    """Returns views a second after the first two of `count` batches, and processor milliseconds a batch of all."""
    before = processor_seconds()
    for done in range(count):
        if done == 2:
            wait(device)
            start = time.perf_counter()
        next(batches)
    wait(device)
    seconds = time.perf_counter() - start
    del batches  # ends the workers, whose time counts only then
    return (count - 2) * BATCH * VIEWS / seconds, (processor_seconds() - before) * 1e3 / count


def step_share(width: int, steps: int, device: torch.device) -> tuple[float, float]:
    """Returns medians: milliseconds of a training step, and its share that augmentation takes, timed alone."""
    method, rng = AugMix(), generator(device, 0)
    model = PreActResNet18(shape=(3, SIZE, SIZE), classes=10, width=width).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    x = torch.rand((BATCH, 3, SIZE, SIZE), generator=rng, device=device)
    y = torch.randint(10, (BATCH,), generator=rng, device=device)

    def now() -> float:
        wait(device)
        return time.perf_counter() if device.type == "cuda" else processor_seconds()

    times, shares = [], []
    for _ in range(steps + 1):
        start = now()
        augmix(x, rng, views=VIEWS)
        augmented = now()
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = method.loss(model, x, y, rng)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        times.append(now() - augmented)
        shares.append((augmented - start) / times[-1])
    return 1e3 * median(times[1:]), median(shares[1:])


def contenders(images: Tensor, threads: int, device: torch.device) -> dict[str, Iterator[list[Tensor]]]:
    """Returns fresh batches of each; no worker has started."""
    found = {"ours": ours(images, device)}
    for name, data in {"torchvision": ByTorchvision(images), "Pillow": ByPillow(images)}.items():
        loader = DataLoader(data, BATCH, num_workers=threads)  # type: ignore[arg-type]
        found[name] = (batch for batch in loader)
    return found


def device_of(name: str) -> torch.device:
    """Returns the device, or ends the program with one line if it is not there."""
    if name == "cuda" and not torch.cuda.is_available():
        raise SystemExit("error: --device cuda, but there is no CUDA device here; cpu is always there")
    return torch.device(name)


def main() -> None:
    """Times the three in turns, then training steps, and prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads for ours, workers for the others")
    parser.add_argument("--batches", type=int, default=20, help="batches to time, more than 2")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each takes")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where ours runs")
    parser.add_argument("--widths", type=int, nargs="*", default=[8, 64], help="of the ResNet-18")
    parser.add_argument("--steps", type=int, default=5, help="training steps to time")
    args = parser.parse_args()
    device = device_of(args.device)
    torch.set_num_threads(args.threads)
    shape = (args.batches * BATCH, 3, SIZE, SIZE)
    images = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    for batch in ours(images[: 3 * BATCH], device):
        del batch
    rounds = []
    for _ in range(args.rounds):
        every = contenders(images, args.threads, device)
        rounds.append({name: measure(every.pop(name), args.batches, device) for name in list(every)})
    for name in rounds[0]:
        rates, processor = zip(*(each[name] for each in rounds), strict=True)
        spread = f"({min(rates):.0f} to {max(rates):.0f})"
        print(f"{name:<12}{median(rates):>9.0f} views/s {spread:<20}{median(processor):>8.1f} ms of processor a batch")
    faster = median(r["ours"][0] / max(r["torchvision"][0], r["Pillow"][0]) for r in rounds)
    less = median(min(r["torchvision"][1], r["Pillow"][1]) / r["ours"][1] for r in rounds)
    print(f"ours on {device} / the better of the others, {args.threads} threads or workers each, {args.rounds} rounds:")
    print(f"  {faster:.1f} times the views a second, {less:.1f} times less processor time")
    for width in args.widths:
        milliseconds, share = step_share(width, args.steps, device)
        kind = "bf16" if device.type == "cuda" else "float32, processor time"
        print(
            f"ResNet-18, width {width:>2}: a step takes {milliseconds:.1f} ms ({kind}), augmentation {share:.1%} of it"
        )


if __name__ == "__main__":
    main()
