"""Paths of options are absolute from the start."""

from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces.sigma_sweep import STUDY
from study.plan.options import Options
from study.plan.paths import of_options, of_study


def test_paths_are_absolute_and_the_home_folder_is_meant_by_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    values = (("model.weights_file", "w.pt"), ("official_corruption.folder", "~/c"), ("sigma", 0.1))
    options = of_options(Options(output=Path("~/noise"), data_root=Path("data"), values=values))
    assert (options.output, options.data_root) == (tmp_path / "home/noise", tmp_path / "data")
    assert options.values == (
        ("model.weights_file", str(tmp_path / "w.pt")),
        ("official_corruption.folder", str(tmp_path / "home/c")),
        ("sigma", 0.1),
    )
    study = replace(STUDY, evaluate={"clean": {}, "official_corruption": {"folder": "c", "layout": "cifar-10-c"}})
    assert of_study(study).evaluate["official_corruption"] == {"folder": str(tmp_path / "c"), "layout": "cifar-10-c"}
