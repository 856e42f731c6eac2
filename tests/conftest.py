"""What tests share."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch reads it as it is imported: the suite runs in two processes
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images beside the repository; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("NOISE_STUDY_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real images of {folder.name}/ beside the repository")
    return folder
