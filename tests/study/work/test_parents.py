"""Fine-tuning trained models: what is copied, what a trial's identity holds, and what is refused before any work."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from search_spaces.core.space import Arm, Study
from study.datasets.core.data import Data
from study.errors import UserError
from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial, study_id
from study.plan import space as spec
from study.registry.lookup import find
from study.work.parents import attach, inherit
from study.work.trial_run import Place, TrialRun
from tests.support import CPU, same
from trainers.core.method import generator

PARENTS = Study(
    question="?",
    arms=(Arm(method="standard", label="Baseline"), Arm(method="gnt", label="GNT")),
    data_options={"labels": (0, 1, 2, 3, 4)},
    recipe={"epochs": 1},
    reports=(),
    seeds=2,
)
CHILDREN = Study(
    question="?",
    arms=(
        Arm(method="standard", label="From scratch"),
        *(Arm(method="standard", label=f"{parent}, tuned", parent=parent) for parent in ("Baseline", "GNT")),
    ),
    data_options={"labels": (5, 6, 7)},
    recipe={"epochs": 2},
    evaluate={"clean": {}},
    reports=(),
    parents="some_study",
    seeds=2,
)


def _data(study: Study) -> Data:
    data: Data = find("dataset", "digits")(device=CPU, **study.data_options)
    return data


DATA = _data(CHILDREN)


def _train(directory: Path) -> Path:
    """A finished study of the parents, as a launch leaves it."""
    data, folder = _data(PARENTS), Folder(directory)
    trials = spec.resolve(PARENTS, data.fingerprint)
    folder.claim("parents", study_id("parents", trials), trials, {})
    for trial in trials:
        TrialRun(trial, data, Place(), folder.trial(trial.key).path).epoch()
        results.write(folder.trial(trial.key).mark(State.FINISHED), "parents", trial, [], {})
    return directory


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _train(tmp_path_factory.mktemp("parents") / "study")


def _resolve(directory: Path | None, **changes: object) -> list[Trial]:
    study = replace(CHILDREN, **changes)
    return attach(spec.resolve(study, DATA.fingerprint), study, directory, DATA)


def _state(trial: Trial, directory: Path) -> dict[str, torch.Tensor]:
    """The weights of the parent that the trial should have, found by its label and seed alone."""
    (parent,) = (t for t in Folder(directory).trials() if trial.label == f"{t.label}, tuned" and t.seed == trial.seed)
    path = directory / "trials" / parent.key / "checkpoint.pt"
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["fit"]["model"]
    return state


def test_all_but_the_head_comes_from_the_parent_of_the_same_seed(directory: Path, tmp_path: Path) -> None:
    for trial in _resolve(directory):
        started = TrialRun(trial, DATA, Place(), tmp_path / trial.key).model.state_dict()
        fresh = TrialRun(replace(trial, parent=None), DATA, Place(), tmp_path / "fresh").model.state_dict()
        given = fresh if trial.parent is None else _state(trial, directory)
        model = TrialRun(replace(trial, parent=None), DATA, Place(), tmp_path / "fresh").model
        if trial.parent is not None:  # with its parent's own start a new head would be close to its parent's
            model.initialise(generator(CPU, trial.seed, 4))
        head = ["stages.3.3.weight", "stages.3.3.bias"]
        assert list(started)[-2:] == head and started[head[0]].shape == (3, 64)
        assert all(same(started[key], (model.state_dict() if key in head else given)[key]) for key in started)
        assert trial.parent is None or not same(started["stages.1.0.weight"], fresh["stages.1.0.weight"])


def test_identity_is_what_the_parents_weights_are_and_not_where(directory: Path, tmp_path: Path) -> None:
    found = _resolve(directory)
    assert len({t.key for t in found}) == len(found) == 6
    assert len({t.config_id for t in found}) == 3  # the seeds of a setting belong together
    assert [t.config_id for t in found[:3]] == [t.key for t in found[:3]]
    moved = Path(shutil.copytree(directory, tmp_path / "moved"))
    again = _train(tmp_path / "again")
    for other in (moved, again):
        twins = _resolve(other)
        assert [(t.key, t.config_id) for t in twins] == [(t.key, t.config_id) for t in found]
        assert twins[1].parent and found[1].parent and twins[1].parent["checkpoint"] != found[1].parent["checkpoint"]
    assert all(Trial.from_json(t.to_json()) == t for t in found)
    _change(found[4], moved)  # "Baseline, tuned", seed 1
    changed = [old.key != new.key for old, new in zip(found, _resolve(moved), strict=True)]
    assert changed == [False, False, False, False, True, False]


def _change(trial: Trial, directory: Path) -> None:
    """Moves one weight of the trial's parent in another directory of parents."""
    assert trial.parent
    path = directory / Path(trial.parent["checkpoint"]).relative_to(Path(trial.parent["checkpoint"]).parents[2])
    state = torch.load(path, weights_only=True)
    state["fit"]["model"]["stages.1.0.weight"][0, 0, 0, 0] += 1e-3
    torch.save(state, path)


def test_a_continued_trial_needs_no_parent_any_more(directory: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(directory, tmp_path / "parents"))
    trial = _resolve(moved)[1]
    whole = TrialRun(trial, DATA, Place(), tmp_path / "whole")
    while not whole.fit.done:
        whole.epoch()
    TrialRun(trial, DATA, Place(), tmp_path / "often").epoch()
    shutil.rmtree(moved)
    often = TrialRun(trial, DATA, Place(), tmp_path / "often")
    often.epoch()
    assert often.fit.done and same(often.fit.state_dict(), whole.fit.state_dict())
    with pytest.raises(UserError, match="holds no weights of a trained model"):
        TrialRun(trial, DATA, Place(), tmp_path / "new")


def test_a_parent_that_changed_meanwhile_is_refused(directory: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(directory, tmp_path / "parents"))
    trial = _resolve(moved)[1]
    _change(trial, moved)
    model = TrialRun(replace(trial, parent=None), DATA, Place(), tmp_path / "t").model
    assert trial.parent
    with pytest.raises(UserError, match="has changed since this study was launched"):
        inherit(model, trial.parent)


def test_mistakes_are_one_line_before_any_work(directory: Path, tmp_path: Path) -> None:
    def refused(says: str, where: Path | None = directory, **changes: object) -> None:
        with pytest.raises(UserError, match=says) as error:
            _resolve(where, **changes)
        assert "\n" not in str(error.value)

    refused("fine-tunes 'Baseline', 'GNT'; add --parents, .* study launch some_study --output PARENTS", None)
    refused("holds no study", tmp_path)
    arm = Arm(method="standard", label="x", parent="Basline")
    refused("has no setting 'Basline'. Did you mean 'Baseline'", arms=(arm,))
    refused("'Baseline' with the seeds 0, 1, and this study asks for seed 2. Add --seeds 2", seeds=3)
    refused(
        "the parent 'Baseline' .* does not fit this study's model and images: .*Missing key", model="preact_resnet18"
    )
    refused("--parents is for a study whose arms have parents", arms=CHILDREN.arms[:1])
    moved = Path(shutil.copytree(directory, tmp_path / "parents"))
    next(moved.glob("trials/*/result.parquet")).unlink()
    refused(r"seed \d, of .* \(from --parents\) is (started|pending), not finished", moved)
