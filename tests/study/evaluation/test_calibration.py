"""The calibration metric: rows of the clean test split, equal to the arithmetic on its probabilities."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from study.datasets.core.data import Data, TensorSplit, to_float
from study.errors import UserError
from study.evaluation.calibration import METRIC
from study.evaluation.core.calibration_errors import aurra, expected_calibration_error, rms_calibration_error
from study.evaluation.corruptions.benchmark import corrupted
from study.evaluation.corruptions.catalog import BENCHMARKS
from tests.support import digits, first, small_cnn


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
    scalars = [row for row in rows if row.benchmark == "clean"]
    assert {row.metric: row.value for row in scalars} == pytest.approx(expected, abs=1e-6)
    assert {row[:3] for row in scalars} == {("clean", "clean", 0)}
    assert model.training


@pytest.fixture(scope="module")
def data() -> Data:
    return replace(digits(), test=first(digits().test, 60), fingerprint="60 for calibration")


def _told(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> list[tuple[float, bool]]:
    """The confidence of every prediction and whether it is right, image by image."""
    model.eval()
    with torch.no_grad():
        probabilities = [torch.softmax(model(to_float(image[None])), 1)[0] for image in images]
    return [(float(p.max()), int(p.argmax()) == int(y)) for p, y in zip(probabilities, labels, strict=True)]


def _in_bins(told: list[tuple[float, bool]], bins: int) -> dict[tuple[str, str], float]:
    """(bin, metric) -> value, by a loop over the bins' open and closed ends."""
    found = {}
    for index in range(bins):
        here = [(c, r) for c, r in told if index / bins < c <= (index + 1) / bins]
        if here:
            found[f"bin {index + 1}", "bin_confidence"] = sum(c for c, _ in here) / len(here)
            found[f"bin {index + 1}", "bin_accuracy"] = sum(r for _, r in here) / len(here)
            found[f"bin {index + 1}", "bin_share"] = len(here) / len(told)
    return found


def test_bins_equal_a_loop_over_them_on_clean_images_and_under_all_corruptions_together(data: Data) -> None:
    model = small_cnn()
    rows = METRIC(model, data, bins=6, severities=(2, 5), benchmark="extra", seed=3, batch=50)
    for severity in (0, 2, 5):
        told = []
        for name in BENCHMARKS["extra"] if severity else ["clean"]:
            images = corrupted(data.test.images, name, severity, seed=3) if severity else data.test.images
            told += _told(model, images, data.test.labels)
        found = {(r.corruption, r.metric): r.value for r in rows if r.severity == severity and r.benchmark != "clean"}
        assert found == pytest.approx(_in_bins(told, 6), abs=1e-6)
    (error,) = (r.value for r in rows if r.metric == "expected_calibration_error")
    clean = _in_bins(_told(model, data.test.images, data.test.labels), 6)
    gaps = [clean[b, "bin_share"] * abs(clean[b, "bin_accuracy"] - clean[b, "bin_confidence"]) for b, _ in clean]
    assert error == pytest.approx(sum(gaps) / 3, abs=1e-6)  # each bin stands in `clean` three times


def test_bins_under_corruption_are_off_by_default_and_an_unknown_benchmark_is_named(data: Data) -> None:
    rows = METRIC(small_cnn(), data)
    assert {(r.benchmark, r.severity) for r in rows} == {("clean", 0), ("reliability", 0)}
    with pytest.raises(UserError, match=r"'comon' \(from calibration\)"):
        METRIC(small_cnn(), data, severities=(1,), benchmark="comon")
