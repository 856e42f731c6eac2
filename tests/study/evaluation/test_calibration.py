"""The calibration metric: rows of the clean test split, equal to the arithmetic on its probabilities."""

import numpy as np
import pytest
import torch
from torch import nn

from study.datasets.core.data import Data, TensorSplit, to_float
from study.evaluation.calibration import METRIC
from study.evaluation.core.calibration import aurra, expected_calibration_error, rms_calibration_error


def test_rows_equal_the_arithmetic_on_probabilities() -> None:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (333, 1, 4, 4), dtype=torch.uint8, generator=rng)
    split = TensorSplit(images, torch.randint(0, 4, (333,), generator=rng))
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    with torch.no_grad():
        model[1].weight.copy_(torch.randn(4, 16, generator=rng))
    data = Data(split, split, split, classes=4, shape=(1, 4, 4), fingerprint="")
    rows = METRIC(model, data, bin_size=50, bins=7, batch=100)

    probabilities = torch.softmax(model(to_float(images)).detach(), 1).numpy()
    confidence = probabilities.max(1).astype(float)
    correct = np.equal(probabilities.argmax(1), split.labels.numpy())
    expected = {
        "rms_calibration_error": rms_calibration_error(confidence, correct, 50),
        "expected_calibration_error": expected_calibration_error(confidence, correct, 7),
        "aurra": aurra(confidence, correct),
    }
    assert {row.metric: row.value for row in rows} == pytest.approx(expected, abs=1e-6)
    assert {row[:3] for row in rows} == {("clean", "clean", 0)}
    assert model.training
