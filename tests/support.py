"""What tests share beside the package's own made-up tables and small real things."""

from pathlib import Path
from typing import Any

import torch

from benchmarks.mlflow_server import free_port
from study.plan.contracts.core.fresh import CPU, digits, first, new_fit, same, small_cnn
from study.plan.contracts.made_up import CORRUPTIONS, FINGERPRINT, members, population, publish, table, trials

__all__ = [
    "CORRUPTIONS", "CPU", "FINGERPRINT", "digits", "first", "free_port", "members", "new_fit", "population",
    "publish", "same",
    "small_cnn", "stored", "table", "trials",
]  # fmt: skip


def stored(state: Any, folder: Path) -> Any:
    """What comes back of a state from disk, read as untrusted files are."""
    torch.save(state, folder / "state.pt")
    return torch.load(folder / "state.pt", weights_only=True)
