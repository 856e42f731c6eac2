"""The grid of a classifier whose boundary is known, and the points beside it."""

import pytest
import torch
from torch import nn

from study.datasets.core.data import Data, TensorSplit
from study.errors import UserError
from study.evaluation.boundary import METRIC
from tests.support import digits, small_cnn


class Linear(nn.Module):
    """P(class 1) = sigmoid(8 first - 4 second - 1)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = x.flatten(1).unbind(1)
        return torch.stack([torch.zeros_like(first), 8 * first - 4 * second - 1], 1)


def _plane() -> Data:
    images = torch.tensor([[51, 102], [255, 0], [0, 204]], dtype=torch.uint8).view(-1, 2, 1, 1)
    split = TensorSplit(images, torch.tensor([0, 1, 1]))
    return Data(split, split, split, classes=2, shape=(2, 1, 1), fingerprint="")


def test_the_grid_is_the_models_output_at_its_places() -> None:
    rows = [row for row in METRIC(Linear(), _plane(), side=5) if row.metric == "probability"]
    assert len(rows) == 25 and {row.benchmark for row in rows} == {"boundary"}
    for row in rows:
        first, second = row.severity / 4, int(row.corruption.removeprefix("row ")) / 4
        expected = torch.sigmoid(torch.tensor(8 * first - 4 * second - 1)).item()
        assert row.value == pytest.approx(expected, abs=1e-6)


def test_the_points_are_the_test_split_in_order() -> None:
    rows = [row for row in METRIC(Linear(), _plane(), side=2) if row.corruption == "point"]
    found = {(row.severity, row.metric): row.value for row in rows}
    assert len(rows) == len(found) == 9
    for index, (first, second, label) in enumerate([(0.2, 0.4, 0.0), (1.0, 0.0, 1.0), (0.0, 0.8, 1.0)]):
        assert found[index, "first"] == pytest.approx(first) and found[index, "second"] == pytest.approx(second)
        assert found[index, "label"] == label


def test_other_data_is_an_error_and_the_mode_comes_back() -> None:
    with pytest.raises(UserError, match=r"needs points in the plane.*got \(1, 8, 8\) in 10 classes.*toy"):
        METRIC(small_cnn(), digits())
    model = nn.Sequential(nn.Dropout(0.5), Linear()).train()
    assert METRIC(model, _plane(), side=3) == METRIC(model, _plane(), side=3) and model.training and model[0].training
