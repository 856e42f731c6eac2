"""Metric: accuracy on a corruption benchmark as published, from files on disk."""

from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.core.predict import accuracy_rows, device_of, predict
from study.evaluation.official.arrays import cifar_c, mnist_c
from study.evaluation.official.imagenet_classes import WNIDS
from study.evaluation.official.images import imagenet_c, imagenet_r
from study.evaluation.official.parts import Part, folders
from study.evaluation.rows import Row

Layout = Literal["cifar-10-c", "cifar-100-c", "mnist-c", "imagenet-c", "imagenet-r"]


def measure(
    model: nn.Module,
    data: Data,
    *,
    folder: str,
    layout: Layout,
    corruptions: tuple[str, ...] | None = None,
    classes_from: str | None = None,
    workers: Annotated[int, Ge(0)] = 4,
    batch: Annotated[int, Ge(1)] = 512,
) -> list[Row]:
    """Returns accuracy on the published images of each corruption and severity.

    Rows: the layout as benchmark, the corruption, severity 1 to 5 (ImageNet-R: corruption "rendition", severity 1);
    metric "accuracy" (top-1) and, where there are more than 10 classes, "top5". Both are fractions, in [0, 1].

    folder, layout: where the files are, and how they lie there (`study.evaluation.official`). corruptions: names to
    read, None for the published ones. classes_from: for the ImageNet layouts, a folder whose sorted subfolders are the
    model's classes, such as the training set's; None is ImageNet-1k's, or for ImageNet-C with another number of classes
    the benchmark's own folders. workers: processes that decode image files. batch: images a forward pass. The model's
    mode is restored. Raises UserError for files that are missing, cut, or of another shape or number of classes.

    Example:
        >>> rows = measure(model, data, folder="CIFAR-10-C", layout="cifar-10-c", corruptions=("fog",))
        >>> rows[4]
        Row(benchmark='cifar-10-c', corruption='fog', severity=5, metric='accuracy', value=0...)
    """
    rows: list[Row] = []
    for part in parts(model, data, Path(folder), layout, corruptions, classes_from, workers):
        logits, labels = predict(model, part.split, batch)
        if part.outputs is not None:
            logits = logits[:, part.outputs]
        rows += accuracy_rows(layout, part.corruption, part.severity, logits, labels)
    return rows


def parts(
    model: nn.Module,
    data: Data,
    root: Path,
    layout: Layout,
    corruptions: tuple[str, ...] | None,
    classes_from: str | None,
    workers: int,
) -> list[Part]:
    """Opens the benchmark with the reader of its layout; arguments as in `measure`."""
    device, shape = device_of(model), data.shape
    if layout in ("cifar-10-c", "cifar-100-c"):
        return cifar_c(root, shape=shape, classes=data.classes, device=device, corruptions=corruptions)
    if layout == "mnist-c":
        return mnist_c(root, shape=shape, classes=data.classes, device=device, corruptions=corruptions)
    classes = class_names(root, layout, data.classes, classes_from)
    if layout == "imagenet-c":
        return imagenet_c(root, shape=shape, classes=classes, device=device, corruptions=corruptions, workers=workers)
    if corruptions is not None:
        raise UserError("official_corruption takes no corruptions for layout imagenet-r, which has none.")
    return imagenet_r(root, shape=shape, classes=classes, device=device, workers=workers)


def class_names(root: Path, layout: Layout, count: int, classes_from: str | None) -> tuple[str, ...]:
    """Returns the names of the class folders in the order of the model's `count` outputs."""
    if classes_from is not None:
        names = tuple(folders(Path(classes_from), "a folder for each class of the model"))
        if len(names) != count:
            raise UserError(f"{classes_from} (classes_from) has {len(names)} folders; the model has {count} classes.")
        return names
    if count == len(WNIDS):
        return WNIDS
    if layout == "imagenet-r":
        raise UserError(f"{layout} with a model of {count} classes needs classes_from, a folder of its class folders.")
    corruption = folders(root, "a folder for each corruption")[0]
    return tuple(folders(root / corruption / "1", "a folder for each class"))


METRIC = measure
