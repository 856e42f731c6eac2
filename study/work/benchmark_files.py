"""What `study data` does: draws a dataset's corruptions, and writes them in the published layouts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.corruptions.benchmark import CHUNK, corrupted_chunks
from study.evaluation.corruptions.catalog import BENCHMARKS, CATALOG, benchmark_for
from study.evaluation.corruptions.sheet import contact_sheet
from study.evaluation.official import writer
from study.evaluation.official.arrays import MNIST_C
from study.registry import signature
from study.registry.lookup import find, suggest
from study.work.trial_run import load_data

Layout = Literal["cifar-c", "mnist-c", "imagenet-c"]


def load(name: str, values: dict[str, Any], root: Path | None) -> Data:
    """Returns a dataset with the options that --set gives it."""
    return load_data(name, signature.check(name, find("dataset", name), values, "--set"), root)


def show(data: Data, benchmark: str | None, images: int, path: Path, seed: int) -> None:
    """Writes a contact sheet of a benchmark's corruptions, over the first test images, as PNG."""
    chosen = next(_chunks(data))[:images]
    path.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(chosen, corruption_names(benchmark, data), path, seed)


def corrupt(data: Data, benchmark: str | None, layout: str | None, output: Path, seed: int, console: Console) -> None:
    """Writes the test split under every corruption and severity of a benchmark; what is there already is kept."""
    names = corruption_names(benchmark, data)
    layout = layout or ("mnist-c" if data.shape == (1, 28, 28) else "cifar-c" if data.shape[1] <= 96 else "imagenet-c")
    if layout not in get_args(Layout):
        raise UserError(f"layout {layout!r} (from --layout) is unknown.{suggest(layout, get_args(Layout))}")

    def corrupted(name: str, severity: int) -> Iterator[Tensor]:
        return corrupted_chunks(_chunks(data), name, severity, seed=seed)

    labels = torch.cat([y for _, y in data.test.batches(CHUNK)]).cpu().numpy().astype(np.int64)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {name: bar.add_task(name.replace("_", " "), total=None) for name in names}

        def progress(name: str, done: int, total: int) -> None:
            bar.update(tasks[name], completed=done, total=total)
            if done == total and not console.is_terminal:
                console.print(f"{name}: {total} images")

        if layout == "cifar-c":
            writer.write_cifar_c(output, names, corrupted, labels, progress, shape=data.shape)
        elif layout == "mnist-c":
            severities = {name: MNIST_C.get(name, 1) for name in names}
            writer.write_mnist_c(output, severities, corrupted, labels, progress, shape=data.shape)
        else:
            stems = [(f"{label:04d}", f"{index:08d}") for index, label in enumerate(labels)]
            writer.write_imagenet_c(output, names, corrupted, stems, progress, shape=data.shape)


def corruption_names(benchmark: str | None, data: Data) -> Sequence[str]:
    """Returns the corruptions of a benchmark ("all" for every one), or of the default one for the data's images."""
    valid = {**BENCHMARKS, "all": tuple(CATALOG)}
    name = benchmark or benchmark_for(data.shape)
    if name not in valid:
        raise UserError(f"benchmark {name!r} (from --benchmark) is unknown.{suggest(name, valid)}")
    return valid[name]


def _chunks(data: Data) -> Iterator[Tensor]:
    return ((x * 255).round_().to(torch.uint8) for x, _ in data.test.batches(CHUNK))
