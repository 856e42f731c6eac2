"""What planning tries: a step of each method, a measurement of each metric, the user's own reports."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from search_spaces.core.space import Arm, Grid, Study
from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.official.arrays import CORRUPTIONS
from study.evaluation.rows import Row
from study.plan import trying
from study.plan.options import Options
from study.plan.overrides import adopted
from study.plan.planning import plan
from study.plan.space import Space
from study.registry.lookup import find
from tests.support import digits
from trainers.ant import ANT
from trainers.gnt import GNT

LOSS = """
import torch
from trainers.core.method import Method

class Mine(Method):
    def loss(self, model, x, y, rng):
        return {loss}

METHOD = Mine
"""
VIEWS = """
from trainers.core.method import Method

class Mine(Method):
    def views(self, x, rng):
        return x

METHOD = Mine
"""
LATE = """
import torch.nn.functional as F
from trainers.core.method import Method

class Mine(Method):
    def start_epoch(self, epoch, model, data, rng):
        self.weight = 1 + epoch + len(data)

    def loss(self, model, x, y, rng):
        return self.weight * F.cross_entropy(model(x), y)

METHOD = Mine
"""
METRIC = """
from study.evaluation.rows import Row

def measure(model, data):
    return {rows}

METRIC = measure
"""
REPORT = """
from reports.core.report import Report

def points(table):
    return table[table["benchmark"] == "mine"][["label", "value"]]

REPORT = Report(title="?", points=points, table=lambda points: points[["{column}"]], caption=lambda points: "?.")
"""
STUDY = Study(
    question="?", arms=(Arm(method="standard", label="Vanilla"),), reports=(), evaluate={"clean": {}}, seeds=1
)


def _planned(folder: Path, study: Study = STUDY, *, thorough: bool = False, **files: str) -> None:
    """Plans a study of files in a folder, which stand for what it names in braces."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "my_study.py").write_text(f"from search_spaces.core.space import *\nSTUDY = {study!r}\n")
    plan(str(folder / "my_study.py"), Options(output=folder / "home"), thorough=thorough)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (VIEWS, "METHOD of mine: Mine does not define loss; .* derives from .*Augmentation"),
        ("METHOD = 3", "METHOD of mine: it is of type int, not a class"),
        (
            LOSS.format(loss="model(x)"),
            r"mine, of the arm 'Own', cannot train small_cnn: loss returned the shape \(2, 10\)",
        ),
        (LOSS.format(loss="model(x).sum() / 0"), "loss is -?inf on two images; a finite number is right"),
        (LOSS.format(loss="model(x).sum().detach()"), "loss has no gradient"),
        (LOSS.format(loss="model(x).sum().item()"), "loss returned an object of type float; a tensor of one number"),
        (LOSS.format(loss="model(y)"), r"mine, of the arm 'Own', cannot train small_cnn: mine.py, line 7: \w+Error: "),
        (
            LOSS.replace("loss(self, model, x, y, rng)", "loss(self, model, views, y)"),
            r"TypeError: Mine.loss\(\) takes",
        ),
    ],
)
def test_a_method_that_cannot_take_a_step_is_one_line_with_its_arm(text: str, said: str, tmp_path: Path) -> None:
    study = replace(STUDY, arms=(*STUDY.arms, Arm(method="mine.py", label="Own")))
    with pytest.raises(UserError, match=said) as error:
        _planned(tmp_path, study, mine=text)
    assert "\n" not in str(error.value) and "@" not in str(error.value)
    assert not (tmp_path / "home").exists()


def test_a_method_whose_loss_needs_the_start_of_an_epoch_gets_it(tmp_path: Path) -> None:
    _planned(tmp_path, replace(STUDY, arms=(Arm(method="mine.py", label="Own"),)), mine=LATE)


def test_each_method_takes_one_step_and_starts_no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[Any, int]] = []
    for method in (ANT, GNT):
        before = method.loss

        def counted(self: Any, model: Any, x: Any, y: Any, rng: Any, before: Any = before) -> Any:
            steps.append((type(self), len(x)))
            return before(self, model, x, y, rng)

        monkeypatch.setattr(method, "loss", counted)
    monkeypatch.setattr(ANT, "start_epoch", lambda *_: pytest.fail("a thousand steps"))
    arms = (
        Arm(method="gnt", label="GNT", space={"sigma": Grid(0.1, 0.5)}),
        Arm(method="gnt", label="Again", space={"p_clean": 0.0}),
        Arm(method="ant", label="ANT"),
    )
    space = Space(replace(STUDY, arms=arms), digits().fingerprint)
    state = torch.get_rng_state()
    trying.steps(map(space.first, space.arms), digits())
    assert sorted(steps, key=str) == [(ANT, 2), (GNT, 2)]
    assert torch.equal(state, torch.get_rng_state())


def test_an_error_of_ours_is_no_mistake_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    space = Space(STUDY, digits().fingerprint)
    monkeypatch.setattr(find("method", "standard"), "loss", lambda *_: {}["a bug"])
    with pytest.raises(KeyError, match="a bug"):
        trying.steps([space.first(space.arms[0])], digits())


def _measured(study: Study, data: Data, folder: Path) -> list[Row]:
    space = Space(adopted(study, folder), data.fingerprint)
    return trying.measurements(space.first(space.arms[0]), data)


def test_metrics_see_two_images_of_validation_data_and_none_of_test(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(METRIC.format(
        rows="[Row('mine', 'clean', 0, 'images', float(len(data.test))), "
        "Row('mine', 'clean', 0, 'sum', next(data.test.batches(9))[0].sum().item())]"
    ))  # fmt: skip
    data = replace(digits(), test=None)  # type: ignore[arg-type]
    rows = _measured(replace(STUDY, evaluate={"mine.py": {}, "corruption": {}}), data, tmp_path)
    x, _ = next(digits().validation.batches(2))
    assert [row.value for row in rows[:2]] == [2.0, x.sum().item()] and len(rows) > 2


def test_a_metric_of_files_of_its_own_opens_them_and_measures_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "CIFAR-10-C"
    folder.mkdir()
    study = replace(STUDY, evaluate={"official_corruption": {"folder": str(folder), "layout": "cifar-10-c"}})
    with pytest.raises(UserError, match="labels.npy"):
        _measured(study, digits(), tmp_path)
    np.save(folder / "labels.npy", np.tile(np.arange(10), 5))
    for name in CORRUPTIONS:
        np.save(folder / f"{name}.npy", np.zeros((50, 8, 8, 1), np.uint8))
    assert _measured(study, digits(), tmp_path) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("[1 / 0]", "mine cannot measure small_cnn on digits: mine.py, line 5: ZeroDivisionError"),
        ("None", "mine returns no list"),
    ],
)
def test_a_dry_run_finds_a_metric_that_fails(rows: str, said: str, tmp_path: Path) -> None:
    study = replace(STUDY, evaluate={"clean": {}, "mine.py": {}})
    _planned(tmp_path, study, mine=METRIC.format(rows=rows))  # a launch does not measure beforehand
    with pytest.raises(UserError, match=said):
        _planned(tmp_path, study, thorough=True)


def test_a_dry_run_makes_the_users_reports_of_what_their_metrics_measure(tmp_path: Path) -> None:
    files = {"mine": METRIC.format(rows="[Row('mine', 'clean', 0, 'x', 0.5)]"), "good": REPORT.format(column="label")}
    study = replace(STUDY, evaluate={"clean": {}, "mine.py": {}}, reports=("good.py",))
    _planned(tmp_path, study, thorough=True, **files)
    study = replace(study, reports=("bad.py", "good.py"))
    with pytest.raises(UserError, match="the report bad: table has a float.* in a cell; text is right"):
        _planned(tmp_path, study, thorough=True, bad=REPORT.format(column="value"))


def test_labels_are_smoothed_only_by_methods_that_can(tmp_path: Path) -> None:
    smooth = replace(STUDY, recipe={"label_smoothing": 0.1})
    able = ("standard", "gnt", "ant", "noisymix", "mixup", "cutmix", "puzzle_mix", "adversarial", "augmax")
    _planned(tmp_path, replace(smooth, arms=tuple(Arm(method=name, label=name) for name in able)))
    with pytest.raises(UserError, match=r"mine, of the arm 'Own'.*label_smoothing is 0.1, and the method does not use"):
        _planned(tmp_path, replace(smooth, arms=(Arm(method="mine.py", label="Own"),)), mine=LATE)
