"""Every dataset of study/datasets keeps the contract; the checks ship in the package.

A dataset of files has `write(root)` in its own test.
"""

import importlib
import importlib.util
import pkgutil
from pathlib import Path
from typing import Any

import pytest
import torch

import study.datasets
from study.datasets.core.data import Data
from study.errors import UserError
from study.plan.contracts.core.findings import Entry
from study.plan.contracts.datasets import CHECKS
from study.registry.lookup import find

CPU = torch.device("cpu")
NAMES = [m.name for m in pkgutil.iter_modules(study.datasets.__path__) if not (m.ispkg or m.name.startswith("_"))]


def _load(name: str, root: Path) -> Data:
    loaded: Data = find("dataset", name)(root=root, device=CPU)
    return loaded


def _writer(name: str) -> Any:
    if importlib.util.find_spec(f"tests.study.datasets.test_{name}") is None:
        return None
    return getattr(importlib.import_module(f"tests.study.datasets.test_{name}"), "write", None)


WRITTEN = [name for name in NAMES if _writer(name)]


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each dataset's files, as small as can be."""
    folders = {name: tmp_path_factory.mktemp(name) for name in NAMES}
    for name in WRITTEN:
        _writer(name)(folders[name])
    return folders


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str, check: str, roots: dict[str, Path]) -> None:
    assert CHECKS[check](Entry(name, find("dataset", name), root=roots[name])) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_fingerprint_is_the_same_in_every_folder(name: str, tmp_path: Path) -> None:
    for root in ("a", "b"):
        if write := _writer(name):
            write(tmp_path / root)
    assert _load(name, tmp_path / "a").fingerprint == _load(name, tmp_path / "b").fingerprint


@pytest.mark.parametrize("name", WRITTEN)
def test_missing_files_are_one_line_that_names_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        _load(name, tmp_path)
    assert name in str(error.value) and str(tmp_path) in str(error.value) and "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", WRITTEN)
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
