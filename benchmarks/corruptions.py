"""Our corruptions beside `imagecorruptions` 1.1.2: what they change, how fast they are, how much memory they
need.

The library needs numpy < 2 and scikit-image < 0.20, so it runs in an environment of its own:

    python -m venv /tmp/reference && /tmp/reference/bin/pip install "numpy<2" "scikit-image<0.20"
    imagecorruptions==1.1.2 python benchmarks/corruptions.py --reference-python /tmp/reference/bin/python
    [--parquet cifar10/test.parquet]

Both sides run on one core, one after the other, on the same images. The library uses ImageNet-C's levels at
every size and refuses images below 32 x 32; "same level" is ours at those levels, "ours" is ours at the
levels of the size.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pyarrow import parquet

from study.evaluation.corruptions.benchmark import corrupted
from study.evaluation.corruptions.catalog import BENCHMARKS, CATALOG, SEVERITIES
from trainers.core.method import generator

REFERENCE = """
import json, sys, time
import numpy as np
from imagecorruptions import corrupt
images, names, out = np.load(sys.argv[1]), sys.argv[2].split(","), {}
np.random.seed(0)
for name in names:
    for severity in range(1, 6):
        corrupt(images[0], corruption_name=name, severity=severity)
        start = time.perf_counter()
        made = np.stack([corrupt(image, corruption_name=name, severity=severity) for image in images])
        seconds = time.perf_counter() - start
        change = np.abs(made.astype(np.float64).reshape(images.shape) - images).mean() / 255
        out[f"{name} {severity}"] = (change, seconds / len(images))
json.dump(out, sys.stdout)
"""
Numbers = dict[str, tuple[float, float]]
"""Per "corruption severity": mean absolute change in [0, 1] and seconds an image."""


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference-python", required=True, help="python that has imagecorruptions 1.1.2")
    parser.add_argument("--parquet", type=Path, help="images in Parquet; without it, random ones with a 1/f spectrum")
    parser.add_argument("--images", type=int, default=1000, help="images for ours")
    parser.add_argument("--reference-images", type=int, default=40, help="images for the library")
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.memory:
        print(peak_memory(arguments.memory))
        return
    colour = read(arguments.parquet, arguments.images) if arguments.parquet else pink(arguments.images)
    names = BENCHMARKS["common"] + BENCHMARKS["extra"]
    theirs = reference(arguments.reference_python, colour[: arguments.reference_images], names)
    print_changes(names, colour, theirs)
    print_speed("32x32x3", BENCHMARKS["common"], ours(colour, BENCHMARKS["common"]), theirs)
    grey = colour.float().mean(1, keepdim=True).byte()[:, :, 2:30, 2:30]
    padded = torch.nn.functional.pad(grey, (2, 2, 2, 2)).expand(-1, 3, -1, -1)[: arguments.reference_images]
    theirs = reference(arguments.reference_python, padded, BENCHMARKS["common"])
    print("\nThe library refuses 28 x 28; its images are padded to 32 x 32.")
    print_speed("28x28x1", BENCHMARKS["common"], ours(grey, BENCHMARKS["common"]), theirs)
    print("\nPeak memory beyond the images and their result, 32x32x3, the whole benchmark:")
    for count in (1000, 4000, 16000):
        command = [sys.executable, __file__, "--reference-python", "none", "--memory", str(count)]
        print(f"{count:6d} images: {subprocess.check_output(command, text=True).strip()} MiB")


def read(path: Path, count: int) -> torch.Tensor:
    """Returns the first images of a Parquet file whose first column holds encoded bytes: (N, 3, H, W)
    uint8.
    """
    rows = parquet.read_table(path).slice(0, count).column(0).to_pylist()
    arrays = [np.array(Image.open(io.BytesIO(row["bytes"])).convert("RGB")) for row in rows]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()


def pink(count: int) -> torch.Tensor:
    """Returns random images (count, 3, 32, 32) uint8 with natural images' 1/f amplitude spectrum."""
    rng = generator(torch.device("cpu"), 0)
    white = torch.randn(count, 3, 32, 32, generator=rng)
    radius = torch.hypot(torch.fft.fftfreq(32)[:, None], torch.fft.rfftfreq(32)).clamp(min=1 / 32)
    image = torch.fft.irfft2(torch.fft.rfft2(white) / radius)
    image = image / image.std((1, 2, 3), keepdim=True)
    return (image * 55 + 120).clamp(0, 255).byte()


def reference(python: str, images: torch.Tensor, names: tuple[str, ...]) -> Numbers:
    """Returns the library's numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, images.permute(0, 2, 3, 1).numpy())
        command = [python, "-W", "ignore", "-c", REFERENCE, str(path), ",".join(names)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
        return dict(json.loads(subprocess.check_output(command, text=True, env=environment)))


def ours(images: torch.Tensor, names: tuple[str, ...]) -> Numbers:
    """Returns our numbers at the levels of the images' size."""
    out = {}
    for name in names:
        for severity in SEVERITIES:
            corrupted(images[:8], name, severity, seed=0)
            start = time.perf_counter()
            made = corrupted(images, name, severity, seed=0)
            seconds = (time.perf_counter() - start) / len(images)
            out[f"{name} {severity}"] = (change(made, images), seconds)
    return out


def at_imagenet_level(images: torch.Tensor, name: str, severity: int) -> float:
    """Returns our mean absolute change at ImageNet-C's level, unscaled."""
    corruption = CATALOG[name]
    table = corruption.levels.imagenet
    assert table is not None
    rng = generator(torch.device("cpu"), 0, severity)
    made = corruption.apply(images.float() / 255, table[severity - 1], rng)
    return change(made.clamp(0, 1).mul(255).byte(), images)


def change(made: torch.Tensor, images: torch.Tensor) -> float:
    """Returns the mean absolute difference in [0, 1]."""
    return float((made.float() - images.float()).abs().mean() / 255)


def print_changes(names: tuple[str, ...], images: torch.Tensor, theirs: Numbers) -> None:
    """Prints mean absolute change by corruption and severity."""
    numbers = ours(images[:250], names)
    print(f"{'mean absolute change, 32x32x3':20s} library (1..5) | same level | ours, levels of the size")
    for name in names:
        columns = (
            [theirs[f"{name} {severity}"][0] for severity in SEVERITIES],
            [at_imagenet_level(images[:250], name, severity) for severity in SEVERITIES],
            [numbers[f"{name} {severity}"][0] for severity in SEVERITIES],
        )
        print(f"{name:20s}", " | ".join(" ".join(f"{value:.3f}" for value in column) for column in columns))


def print_speed(title: str, names: tuple[str, ...], mine: Numbers, theirs: Numbers) -> None:
    """Prints images a second by corruption, over its five severities, and overall."""
    print(f"\n{title}, images a second on one core: ours, library, ratio")
    totals = [0.0, 0.0]
    for name in names:
        seconds = [sum(numbers[f"{name} {severity}"][1] for severity in SEVERITIES) for numbers in (mine, theirs)]
        totals = [total + part for total, part in zip(totals, seconds, strict=True)]
        print(f"{name:20s} {5 / seconds[0]:9.0f} {5 / seconds[1]:9.0f} {seconds[1] / seconds[0]:8.1f}x")
    cases = 5 * len(names)
    print(f"{'whole benchmark':20s} {cases / totals[0]:9.0f} {cases / totals[1]:9.0f} {totals[1] / totals[0]:8.1f}x")


def peak_memory(count: int) -> int:
    """Returns MiB by which the peak grew, less `count` images and one result."""
    before = high_water()
    images = pink(250).repeat(count // 250, 1, 1, 1)
    for name in BENCHMARKS["common"]:
        corrupted(images, name, 5, seed=0)
    return (high_water() - before - 2 * images.numel()) // 2**20


def high_water() -> int:
    """Returns the most bytes this process has held (Linux; getrusage would count its parent's)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
