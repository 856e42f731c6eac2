"""Code of a user's own, one file of each kind as short as a user would write it: checked, and launched together."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from study import cli
from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.trial_folder import State

ROOT = Path(__file__).parents[2]
METHOD = '''
from typing import Annotated

import torch
from annotated_types import Ge, Le

from trainers.core.augmentation import Augmentation


class Uniform(Augmentation):
    """Adds uniform noise. width: from end to end, in pixel units."""

    def __init__(self, *, width: Annotated[float, Ge(0), Le(1)] = 0.1) -> None:
        super().__init__()
        self.width = width

    def views(self, x, rng):
        return (x + self.width * (torch.rand(x.shape, generator=rng, device=x.device) - 0.5)).clamp(0, 1)


METHOD = Uniform
'''
MODEL = '''
from torch import nn

from study.models.core.classifier import Classifier


class Shallow(Classifier):
    """A hidden layer. hidden: its units."""

    def __init__(self, *, shape: tuple[int, int, int], classes: int, hidden: int = 32) -> None:
        pixels = shape[0] * shape[1] * shape[2]
        super().__init__(nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden), nn.ReLU()), nn.Linear(hidden, classes))


MODEL = Shallow
'''
DATASET = '''
from pathlib import Path

import numpy as np
import torch
from my_stripes import stripes
from study.datasets.core.data import Data, tensor_data


def load(*, root: Path | None = None, device: torch.device, download: bool = False, images: int = 200) -> Data:
    """Returns two kinds of stripes. root, download: not needed. images: of each split."""
    splits = [stripes(images, seed) for seed in (0, 1)]
    return tensor_data(*splits, classes=2, validation=0.2, device=device, augment=mirrored)


def mirrored(x, rng):
    return x.flip(3)


DATASET = load
'''
HELPER = """
import numpy as np


def stripes(images, seed):
    labels = np.arange(images) % 2
    pixels = np.random.default_rng(seed).integers(0, 100, (images, 1, 8, 8))
    pixels[labels == 1, :, ::2] += 100
    return pixels.astype(np.uint8), labels.astype(np.int64)
"""
METRIC = '''
from study.datasets.core.data import Data
from study.evaluation.core.predict import predict
from study.evaluation.rows import Row


def measure(model, data: Data, *, power: int = 1) -> list[Row]:
    """Returns the mean power of the largest logit. power: its exponent."""
    logits, _ = predict(model, data.test)
    return [Row("logits", "clean", 0, "largest", (logits.max(1).values ** power).mean().item())]


METRIC = measure
'''
REPORT = """
from reports.core.report import Report


def points(table):
    rows = table[table["benchmark"] == "logits"]
    return rows.groupby(["label", "method", "data", "model"], sort=False)["value"].mean().reset_index()


def shown(points):
    return points.assign(value=points["value"].map("{:.3f}".format))


REPORT = Report(title="Largest logits", points=points, table=shown, caption=lambda points: "Their mean.")
"""
STUDY = """
from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="Does uniform noise make logits small?",
    arms=(
        Arm(method="my_method.py", label="Uniform", space={"width": Grid(0.1, 0.5)}),
        Arm(method="standard", label="Vanilla"),
    ),
    data="my_dataset.py",
    model="my_model.py",
    evaluate={"clean": {}, "my_metric.py": {"power": 2}},
    reports=("my_report.py", "method_comparison"),
)
"""
FILES = {
    "my_method": METHOD, "my_model": MODEL, "my_dataset": DATASET, "my_stripes": HELPER, "my_metric": METRIC,
    "my_report": REPORT, "my_study": STUDY,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The user's folder."""
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def _check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, list[str]]:
    """Exit status of `study check`, and the lines that it prints."""
    monkeypatch.setattr(sys, "argv", ["study", "check", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), [*printed.out.splitlines(), *printed.err.splitlines()]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my_method", "METHOD Uniform passes 17 checks"),
        ("my_model", "MODEL Shallow passes 9 checks"),
        ("my_dataset", "DATASET load passes 6 checks"),
        ("my_metric", "METRIC measure passes 6 checks"),
        ("my_study", "STUDY passes 6 checks"),
    ],
)
def test_what_keeps_its_contract_passes(
    name: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _check(capsys, monkeypatch, folder / f"{name}.py") == (0, [f"{name}.py: {said}"])


def test_a_report_of_rows_that_no_made_up_table_has_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, (passed, remark) = _check(capsys, monkeypatch, folder / "my_report.py")
    assert code == 0 and passed == "my_report.py: REPORT passes 8 checks"
    assert remark.startswith("my_report.py: REPORT: no row of the made-up tables fits it")


@pytest.mark.parametrize(
    ("name", "right", "wrong", "said"),
    [
        ("my_method", "(x + self", "(x.mul_(0.9) + self", "METHOD: loss writes its input x; compute a new tensor"),
        ("my_method", "(Augmentation)", "(Method)", "METHOD: Uniform does not define loss; "),
        ("my_model", "hidden: its units", "", "MODEL: the class's docstring does not say `hidden: what it is`"),
        ("my_dataset", "classes=2", "classes=1", "DATASET: it has 1 classes; at least 2 are right"),
        (
            "my_metric",
            ".item()",
            "",
            "METRIC: the value of largest under clean, severity 0 is a Tensor; a float is right",
        ),
        (
            "my_report",
            '"Their mean."',
            '"Their mean"',
            "REPORT: the caption 'Their mean' does not end with a full stop",
        ),
        ("my_study", '"my_report.py"', '"your_report.py"', "STUDY: there is no file 'your_report.py'"),
        ("my_study", '"power": 2', '"power": 0.5', "STUDY: my_metric.power is 0.5 (from the study); it should be"),
    ],
)
def test_what_is_wrong_is_one_line(
    name: str, right: str, wrong: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    text = FILES[name].replace("import Augmentation", "import Augmentation, Method")
    text = text.replace('"benchmark"] == "logits"', '"benchmark"] == "clean"')  # rows that made-up tables have
    assert right in text
    (folder / f"{name}.py").write_text(text.replace(right, wrong))
    code, lines = _check(capsys, monkeypatch, folder / f"{name}.py")
    assert code == 1 and any(line.startswith(f"{name}.py: {said}") for line in lines), lines
    assert not any("passes" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("my_stripes.py",),
            "defines none of METHOD, STUDY, DATASET, MODEL, METRIC, REPORT, such as METHOD = MyMethod",
        ),
        (
            ("my_method",),
            "study check takes a .py file or a module by its dotted name, got 'my_method'. Try my_method.py",
        ),
        (("nowhere.py",), "there is no file 'nowhere.py'"),
        (
            ("my_method.py", "--set", "wdth=0.1"),
            "my_method.py has no option 'wdth' (from --set). Did you mean 'width'?",
        ),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(
    arguments: tuple[str, ...], said: str, folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    code, (line,) = _check(capsys, monkeypatch, *arguments)
    assert code == 2 and line.startswith("error: ") and said in line


def test_a_study_of_all_of_them_is_launched_and_carries_their_names(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")  # nothing is found by the working directory
    done = subprocess.run(
        [sys.executable, "-c", "from study.cli import main; main()", "launch", str(folder / "my_study.py"),
         "--epochs", "1", "--seeds", "1", "--output", "home"],
        cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    home = Folder(elsewhere / "home")
    rows = results.read(home.trial(trial.key).mark(State.FINISHED) for trial in home.trials())
    assert set(rows["method"]) == {"my_method", "standard"}
    assert set(rows["data"]) == {"my_dataset"} and set(rows["model"]) == {"my_model"}
    assert len(rows[rows["benchmark"] == "logits"]) == 3

    points = pd.read_csv(home.report / "my_report.csv")
    assert list(points["label"]) == ["Uniform, width 0.1", "Uniform, width 0.5", "Vanilla"]
    assert list(points["method"]) == ["my_method", "my_method", "standard"]
    page = (home.report / "index.html").read_text()
    assert "Largest logits" in page and "my_study on my_dataset" in page
    assert re.search(r"Largest logits\s+label +method +data +model +value", done.stdout)

    client = MlflowClient(f"sqlite:///{elsewhere / 'mlflow.db'}")
    (experiment,) = (e for e in client.search_experiments() if e.name == "my_study")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.data.params["method"] for run in runs if run.data.params} == {"my_method", "standard"}
    logged = [str(run.data.to_dictionary()) for run in runs]
    reported = [path.read_text() for path in home.report.glob("*.[hmct][tdse]*")]
    hashed = re.compile(r"my_\w+@[0-9a-f]")
    assert not any(hashed.search(text) for text in (done.stdout, done.stderr, *reported, *logged))
