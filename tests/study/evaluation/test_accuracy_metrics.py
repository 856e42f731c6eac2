import pytest
import torch
from torch import nn

from study.datasets import digits
from study.datasets.core.data import Data, TensorSplit
from study.errors import UserError
from study.evaluation import clean, corruption
from study.evaluation.core import corrupted as kept
from study.evaluation.corruptions.benchmark import corrupted
from study.evaluation.corruptions.catalog import BENCHMARKS
from study.models.core.classifier import initialise
from study.models.small_cnn import SmallCNN
from trainers.core.method import generator

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    return digits.load(device=CPU)


@pytest.fixture(scope="module")
def model(data):
    model = SmallCNN(shape=data.shape, classes=10)
    rng = generator(CPU, 0)
    initialise(model, rng)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(12):
        for x, y in data.train.batches(64, rng):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimiser.step()
    return model


def test_clean_accuracy_is_the_share_of_hits_and_the_mode_is_restored(model, data):
    model.train()
    (row,) = clean.measure(model, data, batch=100)
    assert model.training
    hits = model(data.test.images.float() / 255).argmax(1) == data.test.labels
    assert row[:5] == ("clean", "clean", 0, "accuracy", pytest.approx(float(hits.double().mean())))
    assert row.correct is not None and row.correct.images == len(hits)
    bits = "".join(f"{byte:08b}" for byte in row.correct.bits)
    assert [bit == "1" for bit in bits[: len(hits)]] == hits.tolist() and set(bits[len(hits) :]) <= {"0"}
    assert row.value > 0.9


def test_each_corruption_and_severity_is_measured_on_its_images(model, data):
    rows = corruption.measure(model, data, severities=(1, 5))
    assert [(row.corruption, row.severity) for row in rows] == [
        (name, severity) for name in BENCHMARKS["common"] for severity in (1, 5)
    ]
    assert {(row.benchmark, row.metric) for row in rows} == {("common", "accuracy")}
    for row in rows[::7]:
        made = corrupted(data.test.images, row.corruption, row.severity, seed=0).float() / 255
        assert row.value == pytest.approx(float((model(made).argmax(1) == data.test.labels).double().mean()))
    assert 0.5 < sum(row.value for row in rows) / len(rows) < 0.85
    assert rows == corruption.measure(model, data, severities=(1, 5))
    assert rows != corruption.measure(model, data, severities=(1, 5), seed=1)


def test_images_beyond_the_budget_are_not_kept(model, data, monkeypatch):
    rows = corruption.measure(model, data, benchmark="extra", severities=(2,))
    monkeypatch.setattr(kept, "CACHE_BYTES", 0)
    monkeypatch.setattr(kept, "_cache", {})
    assert rows == corruption.measure(model, data, benchmark="extra", severities=(2,))
    assert kept._cache == {}


def test_more_than_ten_classes_have_a_top5():
    images = torch.randint(0, 256, (40, 1, 8, 8), generator=generator(CPU, 0)).to(torch.uint8)
    split = TensorSplit(images, torch.arange(40) % 20)
    data = Data(split, split, split, classes=20, shape=(1, 8, 8), fingerprint="top5")
    model = SmallCNN(shape=data.shape, classes=20)
    assert [row.metric for row in clean.measure(model, data)] == ["accuracy", "top5"]
    rows = corruption.measure(model, data, severities=(1,), benchmark="extra")
    assert all(one.value <= five.value for one, five in zip(rows[::2], rows[1::2], strict=True))


def test_an_unknown_benchmark_is_named(model, data):
    with pytest.raises(UserError, match="benchmark 'comon'.*There are: common, extra, mnist"):
        corruption.measure(model, data, benchmark="comon")
