"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets kept beside the repository, or in NOISE_STUDY_SHARED/data."""
    root = Path(os.environ.get("NOISE_STUDY_SHARED", Path(__file__).parents[2] / "shared"))
    if not (root / "data").is_dir():
        pytest.skip(f"no real data in {root / 'data'}")
    return root / "data"
