"""A picture of corruptions: one row each, the clean image and severities 1 to 5 across."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from torch import Tensor

from study.evaluation.corruptions.benchmark import at_all_severities
from study.evaluation.corruptions.catalog import SEVERITIES


def contact_sheet(images: Tensor, names: Sequence[str], path: Path, seed: int) -> None:
    """Writes one PNG: a row for each name, and in it each image clean and at every severity.

    images: (N, C, H, W) uint8, a few; path: the file to write.
    """
    titles = ["clean", *(f"severity {severity}" for severity in SEVERITIES)]
    figure = Figure(figsize=(1.1 * len(titles) * len(images) + 2, 1.25 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), len(titles) * len(images), squeeze=False)
    for row, name in zip(axes, names, strict=True):
        versions = at_all_severities(images, name, seed=seed)
        for cell, image in zip(row, versions.transpose(0, 1).flatten(0, 1), strict=True):
            cell.imshow(image.permute(1, 2, 0).cpu().numpy(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            cell.set_xticks([])
            cell.set_yticks([])
        row[0].set_ylabel(name.replace("_", "\n"), rotation=0, ha="right", va="center")
    for cell, title in zip(axes[0], titles * len(images), strict=True):
        cell.set_title(title, fontsize="small")
    figure.savefig(path, dpi=80)
