"""A study's directory: who may live there, and what it says."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from study.errors import UserError
from study.ledger.folder import Folder, write_json
from study.ledger.trial import Trial
from tests.support import trials

TRIALS = trials("sigma_sweep", seeds=2)
ONE_SEED = [t for t in TRIALS if t.seed == 0]
FACTS = {"data": "digits", "question": "?"}


def _claim(path: Path, identity: str = "id", some: list[Trial] = ONE_SEED) -> Folder:
    folder = Folder(path)
    folder.claim("sigma_sweep", identity, some, FACTS)
    return folder


@pytest.mark.parametrize("made", [True, False])
def test_an_empty_or_absent_directory_becomes_its_home(made: bool, tmp_path: Path) -> None:
    if made:
        (tmp_path / "a/b").mkdir(parents=True)
    folder = _claim(tmp_path / "a/b")
    assert folder.trials() == ONE_SEED
    record = folder.read()
    assert (record["name"], record["id"], record["data"]) == ("sigma_sweep", "id", "digits")
    assert sorted(p.name for p in folder.path.iterdir()) == ["study.json", "trials"]
    assert record["trials"] == [trial.key for trial in ONE_SEED]  # keys alone; what a trial is stands in its folder
    assert folder.trial(ONE_SEED[0].key).trial() == ONE_SEED[0]


def test_the_same_study_comes_back_and_more_seeds_join(tmp_path: Path) -> None:
    _claim(tmp_path, some=ONE_SEED[:3])
    _claim(tmp_path, some=ONE_SEED)
    folder = _claim(tmp_path, some=TRIALS)
    assert folder.trials() == TRIALS
    assert _claim(tmp_path, some=ONE_SEED).trials() == TRIALS  # fewer seeds forget none


def test_another_study_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    folder = _claim(tmp_path)
    before = (tmp_path / "study.json").read_bytes()
    with pytest.raises(UserError, match=r"holds another study: sigma_sweep \(id\), not sigma_sweep \(other\)") as error:
        _claim(tmp_path, "other", TRIALS)
    assert str(tmp_path) in str(error.value) and "--output" in str(error.value)
    assert (tmp_path / "study.json").read_bytes() == before and folder.trials() == ONE_SEED


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all of it", encoding="utf-8")
    with pytest.raises(UserError, match="holds no study. Choose another --output"):
        _claim(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="file is not an empty directory"):
        _claim(tmp_path / "file")
    with pytest.raises(
        UserError,
        match="cannot write .*file/below/.*: Not a directory. Nothing finished is lost.*another --output",
    ):
        _claim(tmp_path / "file/below")
    with pytest.raises(UserError, match="cannot write /proc/study"):
        _claim(Path("/proc/study"))


def test_a_launch_holds_a_directory_before_it_claims_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new")
    with folder.held():
        with pytest.raises(UserError, match="another launch is at work"), Folder(folder.path).held():
            pass
        folder.claim("sigma_sweep", "id", ONE_SEED, FACTS)
    assert folder.trials() == ONE_SEED
    with folder.held():
        pass


def test_a_machine_that_returns_to_a_stored_study_learns_what_others_added(tmp_path: Path) -> None:
    store = (tmp_path / "store").as_uri()
    here, there = Folder(tmp_path / "here", store), Folder(tmp_path / "there", store)
    for folder, some in ((here, ONE_SEED), (there, TRIALS), (here, ONE_SEED)):
        folder.fetch_study()
        folder.claim("sigma_sweep", "id", some, FACTS)
    assert here.trials() == TRIALS
    there.fetch_study()
    assert there.trials() == TRIALS


def test_no_study_is_one_line(tmp_path: Path) -> None:
    for ask in (Folder(tmp_path).read, Folder(tmp_path / "gone").trials):
        with pytest.raises(UserError, match="holds no study: there is no study.json"):
            ask()


def test_a_directory_of_another_layout_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps({"name": "old", "id": "x", "trials": []}))
    for ask in (Folder(tmp_path).read, Folder(tmp_path).trials, lambda: _claim(tmp_path)):
        with pytest.raises(UserError, match=r"another version of this package \(layout 1, this one reads 2\)"):
            ask()


def test_a_label_that_has_changed_is_the_new_one(tmp_path: Path) -> None:
    _claim(tmp_path)
    renamed = [replace(trial, arm="Noise") for trial in ONE_SEED]
    assert _claim(tmp_path, some=renamed).trials() == renamed


def test_json_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "deep/value.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
    assert [p.name for p in path.parent.iterdir()] == ["value.json"]


def test_a_file_system_without_locks_is_said_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    with Folder(tmp_path / "home").held():
        pass
    assert "file system without locks" in caplog.text
