"""What a launch leaves in study.json is enough to go on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.errors import UserError
from study.ledger import files
from study.plan.options import Options
from study.plan.planning import Plan, claim, facts, plan, resume

STUDY = """
from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="?", arms=(Arm(method="gnt", label="GNT", space={"sigma": Grid(0.0, 0.5)}),), reports=(), seeds=2
)
"""


def _claimed(folder: Path, **asked: Any) -> Plan:
    """A launch that has claimed its directory and got no further; the study's file is gone since."""
    source = folder / "source/mine.py"
    source.parent.mkdir()
    source.write_text(STUDY)
    made = plan(str(source), Options(output=folder / "home", **asked))
    claim(made)
    shutil.rmtree(source.parent)
    return made


def test_the_directory_alone_continues(tmp_path: Path) -> None:
    values = (("lr", 0.01), ("sigma", 0.1), ("sigma", 0.2))
    options = {"epochs": 3, "model": "toy_mlp", "seeds": 3, "values": values, "trial_timeout": 9.5, "retries": 0}
    launched = _claimed(tmp_path, max_concurrent=1, parents=None, data_root=Path("here"), **options)
    moved = tmp_path / "elsewhere"
    (tmp_path / "home").rename(moved)
    resumed = resume(moved, {})
    assert resumed.trials == launched.trials and len(resumed.trials) == 9
    assert (resumed.name, resumed.identity, resumed.study) == (launched.name, launched.identity, launched.study)
    assert resumed.command == launched.command
    assert resumed.folder.path == moved and resumed.tracking_uri == f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert resumed.options == replace(launched.options, output=moved, data_root=Path("here").absolute())


def test_resuming_twice_stores_the_same(tmp_path: Path) -> None:
    launched = _claimed(tmp_path, seeds=1)
    before = json.loads((tmp_path / "home/study.json").read_text())
    again = resume(tmp_path / "home", {})
    claim(again)
    assert json.loads((tmp_path / "home/study.json").read_text()) == before
    assert again.trials == launched.trials


def test_options_given_anew_win(tmp_path: Path) -> None:
    _claimed(tmp_path, cpus_per_trial=2, address="auto")
    changes = {"cpus_per_trial": 0.5, "address": "local", "retries": 7, "tracking_uri": "http://host"}
    changed = resume(tmp_path / "home", changes)
    assert {name: getattr(changed.options, name) for name in changes} == changes
    assert changed.tracking_uri == "http://host"


def test_all_seeds_that_were_launched_go_on(tmp_path: Path) -> None:
    launched = _claimed(tmp_path)
    one = replace(launched, trials=launched.trials[:2], study=replace(launched.study, seeds=1))
    launched.folder.claim(one.name, one.identity, one.trials, facts(one))
    assert resume(tmp_path / "home", {}).trials == launched.trials


def test_a_credential_is_not_stored_and_asked_for_again(tmp_path: Path) -> None:
    _claimed(tmp_path, tracking_uri="https://me:s3cret@host/x")
    assert "s3cret" not in (tmp_path / "home/study.json").read_text()
    message = r"https://\*\*\*@host/x needs its user and password again, which are not stored: add --tracking-uri"
    with pytest.raises(UserError, match=message):
        resume(tmp_path / "home", {})
    assert resume(tmp_path / "home", {"tracking_uri": "https://me:s3cret@host/x"}).tracking_uri.count("s3cret") == 1


def test_a_directory_without_a_study_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no study"):
        resume(tmp_path, {})


OWN = {
    "mine.py": """
from search_spaces.core.space import Arm, Study

STUDY = Study(question="?", arms=(Arm(method="own.py", label="Own"),), reports=(), seeds=2)
""",
    "own.py": """
from helper import Vanilla

METHOD = Vanilla
""",
    "helper.py": """
import torch.nn.functional as F
from trainers.core.method import Method

class Vanilla(Method):
    def loss(self, model, x, y, rng):
        return F.cross_entropy(model(x), y)
""",
}


@pytest.mark.parametrize("writes", range(5))
def test_a_launch_that_ends_while_it_writes_goes_on(
    writes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before study.json is there another launch begins again; once it is there, the directory is enough."""
    for name, text in OWN.items():
        (tmp_path / name).write_text(text)
    launched = plan(str(tmp_path / "mine.py"), Options(output=tmp_path / "home"))
    whole, left = files.write, iter(range(writes))

    def write(*arguments: Any, **options: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        whole(*arguments, **options)

    with monkeypatch.context() as patch, launched.folder.held():
        patch.setattr(files, "write", write)
        with pytest.raises(KeyboardInterrupt):  # the last of five writes is that of study.json
            claim(launched)
        assert not (tmp_path / "home/study.json").exists()
    claim(launched)
    assert launched.folder.trials() == launched.trials and len(launched.trials) == 2
    assert len(list(tmp_path.glob("home/code/*/*.py"))) == 2
