"""Decision boundary of a classifier of points in the plane: its output on a grid, and the points themselves."""

from typing import Annotated

import torch
from annotated_types import Ge
from torch import nn

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.core.predict import device_of, inference
from study.evaluation.rows import Row

BENCHMARK = "boundary"


def measure(model: nn.Module, data: Data, *, side: Annotated[int, Ge(2)] = 61) -> list[Row]:
    """Returns the probability of class 1 on a `side` x `side` grid over [0, 1]^2, edges included, and the test points.

    Rows of the grid: benchmark "boundary", corruption "row J", severity I; metric "probability", in [0, 1]. I counts
    along the first coordinate and J along the second, both from 0. Rows of a test point: corruption "point", its index
    as severity; metrics "first" and "second" (its coordinates in [0, 1]) and "label" (0 or 1).

    side: points of the grid along each coordinate. The model's mode is restored.
    Raises UserError for data other than points in the plane (2 x 1 x 1) in two classes.

    Example:
        >>> rows = measure(model, points, side=3)
        >>> rows[5]
        Row(benchmark='boundary', corruption='row 1', severity=2, metric='probability', value=0...)
    """
    if (data.shape, data.classes) != ((2, 1, 1), 2):
        what = f"a boundary (from evaluate) needs points in the plane, 2 x 1 x 1, in 2 classes; got {data.shape} in"
        raise UserError(f"{what} {data.classes} classes. The dataset toy is valid")
    axis = torch.linspace(0, 1, side, device=device_of(model))
    second, first = torch.meshgrid(axis, axis, indexing="ij")
    with inference(model):
        grid = model(torch.stack([first, second], -1).view(-1, 2, 1, 1)).float().softmax(1)[:, 1].view(side, side)
    rows = [
        Row(BENCHMARK, f"row {j}", i, "probability", value)
        for j, line in enumerate(grid.tolist())
        for i, value in enumerate(line)
    ]
    index = 0
    for x, y in data.test.batches(1024):
        for (a, b), label in zip(x.flatten(1).tolist(), y.tolist(), strict=True):
            point = {"first": a, "second": b, "label": float(label)}
            rows += [Row(BENCHMARK, "point", index, metric, value) for metric, value in point.items()]
            index += 1
    return rows


METRIC = measure
