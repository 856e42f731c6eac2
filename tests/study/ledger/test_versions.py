"""The commit that is recorded is that of our own code, or none."""

import subprocess
from pathlib import Path

import pytest

from study.ledger import versions


def _repository(path: Path) -> str:
    for command in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "a", "--allow-empty"]):
        subprocess.run(["git", *command], cwd=path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=path, check=True, capture_output=True, text=True)
    return head.stdout.strip()


def test_a_repository_around_an_installation_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _repository(tmp_path)
    installed = tmp_path / "venv" / "versions.py"
    installed.parent.mkdir()
    installed.touch()
    monkeypatch.setattr(versions, "__file__", str(installed))
    assert versions.commit() == "unknown"


def test_the_environment_names_no_other_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions.commit()
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert versions.commit() == before != "unknown"
    other = _repository_without_environment(tmp_path, monkeypatch)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert other not in versions.commit()


def _repository_without_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("GIT_DIR")
    return _repository(path)
