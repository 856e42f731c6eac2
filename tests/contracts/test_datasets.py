"""What every file of study/datasets has to do. A dataset of files has `write(root)` in its own test."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
import torch

import study.datasets
from study.datasets.core.data import Data
from study.errors import UserError

CPU = torch.device("cpu")
NAMES = [m.name for m in pkgutil.iter_modules(study.datasets.__path__) if not (m.ispkg or m.name.startswith("_"))]


def _load(name: str, root: Path) -> Data:
    return importlib.import_module(f"study.datasets.{name}").DATASET(root=root, device=CPU)


def _writer(name: str):
    if importlib.util.find_spec(f"tests.study.datasets.test_{name}") is None:
        return None
    return getattr(importlib.import_module(f"tests.study.datasets.test_{name}"), "write", None)


@pytest.fixture(params=NAMES)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Data:
    if write := _writer(request.param):
        write(tmp_path)
    return _load(request.param, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_the_signature_has_the_common_core_and_is_documented(name: str) -> None:
    load = importlib.import_module(f"study.datasets.{name}").DATASET
    parameters = inspect.signature(load).parameters
    assert list(parameters)[:3] == ["root", "device", "download"]
    assert all(p.kind is p.KEYWORD_ONLY and p.annotation is not p.empty for p in parameters.values())
    assert parameters["root"].default is None and parameters["download"].default is False
    for parameter in parameters:
        assert parameter == "device" or re.search(rf"\b{parameter}\b[^:]*: ", load.__doc__), parameter


def test_batches_keep_the_contract(data: Data) -> None:
    assert data.classes >= 2
    for split in (data.train, data.validation, data.test):
        assert len(split) > 0
        batches = list(split.batches(7))
        assert sum(len(x) for x, _ in batches) == len(split)
        for x, y in batches:
            assert x.shape == (len(y), *data.shape)
            assert x.dtype == torch.float32 and y.dtype == torch.int64 and x.device == y.device == CPU
            assert x.min() >= 0 and x.max() <= 1 and y.min() >= 0 and y.max() < data.classes
        again = torch.cat([x for x, _ in split.batches(7)])
        assert torch.equal(again, torch.cat([x for x, _ in batches]))


def test_training_batches_are_full_permuted_and_the_generators(data: Data) -> None:
    def epoch(seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return list(data.train.batches(8, torch.Generator().manual_seed(seed)))

    state = torch.get_rng_state()
    first, again, other = epoch(0), epoch(0), epoch(1)
    assert torch.equal(state, torch.get_rng_state())
    assert len(first) == len(data.train) // 8 and all(len(x) == len(y) == 8 for x, y in first)
    assert all(x.min() >= 0 and x.max() <= 1 and x.shape[1:] == data.shape for x, _ in first)
    assert all(torch.equal(a, b) and torch.equal(m, n) for (a, m), (b, n) in zip(first, again, strict=True))
    assert not torch.equal(first[0][0], other[0][0])
    whole = next(data.train.batches(10**6, torch.Generator().manual_seed(0)))
    assert len(whole[1]) == len(data.train)
    in_order = torch.cat([y for _, y in data.train.batches(50)])
    assert torch.equal(whole[1].bincount(), in_order.bincount()) and not torch.equal(whole[1], in_order)


@pytest.mark.parametrize("name", NAMES)
def test_the_fingerprint_is_the_same_at_every_load(name: str, tmp_path: Path) -> None:
    for root in ("a", "b"):
        if write := _writer(name):
            write(tmp_path / root)
    first, second = _load(name, tmp_path / "a"), _load(name, tmp_path / "b")
    assert first.fingerprint == second.fingerprint and re.fullmatch("[0-9a-f]{16}", first.fingerprint)


@pytest.mark.parametrize("name", [name for name in NAMES if _writer(name)])
def test_missing_files_are_one_line_that_names_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        _load(name, tmp_path)
    assert name in str(error.value) and str(tmp_path) in str(error.value) and "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name in NAMES if _writer(name)])
def test_any_emptied_file_is_one_line_that_names_it(name: str, tmp_path: Path) -> None:
    _writer(name)(tmp_path)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    for path in files[:: max(1, len(files) // 8)]:
        content = path.read_bytes()
        path.write_bytes(b"")
        with pytest.raises(UserError) as error:
            data = _load(name, tmp_path)
            for split in (data.train, data.validation, data.test):
                list(split.batches(64))
        assert path.name in str(error.value) and "\n" not in str(error.value)
        path.write_bytes(content)


def test_there_are_datasets() -> None:
    assert {"digits", "mnist", "cifar10", "image_folder", "toy"} <= set(NAMES)
