"""What the tests of the platform share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an MLflow store without runs; making one takes seconds. Copy it."""
    from study.tracking.client import connect  # noqa: PLC0415  mlflow takes seconds

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    connect(f"sqlite:///{path}")
    return path
