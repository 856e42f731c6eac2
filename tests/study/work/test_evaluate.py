"""Measuring a saved model: what is refused before anything is measured."""

from pathlib import Path

import pytest
import torch

from study.errors import UserError
from study.work.evaluate import measure, subject
from tests.support import small_cnn


def _saved(folder: Path) -> Path:
    torch.save({"state_dict": small_cnn(1).state_dict()}, folder / "w.pt")
    return folder / "w.pt"


def test_a_wrapped_state_dictionary_is_measured_and_said(tmp_path: Path) -> None:
    loaded = subject(_saved(tmp_path), data="digits", model="small_cnn", values={}, data_root=None, device="cpu")
    assert loaded.removed == "state_dict" and loaded.trial is None
    assert [row["metric"] for row in measure(loaded, ["clean"], {})] == ["accuracy"]


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "meta"])
def test_a_device_that_is_not_here_is_one_line(device: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"--device is '{device}', which this machine does not have. Valid here: cpu"):
        subject(_saved(tmp_path), data="digits", model="small_cnn", values={}, data_root=None, device=device)
