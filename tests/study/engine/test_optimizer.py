"""A search without Ray: what Optuna is asked and told, and that an interruption changes nothing."""

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from search_spaces.core.space import Arm, Grid, Range, Search, Study
from study.engine.optimizer import Optimizer, listed
from study.ledger import candidates, results
from study.ledger.folder import Folder, write_json
from study.ledger.state import State
from study.ledger.trial import Trial
from study.plan.space import Space
from tests.support import FINGERPRINT, table

STUDY = Study(
    question="?",
    arms=(
        Arm(method="gnt", label="GNT", space={"sigma": Range(0.05, 1.5, log=True), "lr": Grid(1e-3, 1e-2)}),
        Arm(
            method="noisymix",
            label="NoisyMix",
            space={"noise": {"additive": Range(0.0, 1.0), "sparse": 0.5}, "mix": Grid({"alpha": 0.2}, {"alpha": 1.0})},
        ),
        Arm(method="gnt", label="Set", space={"sigma": (0.1, 0.2), "batch_size": Range(16, 4000)}),
    ),
    reports=("corruption_table",),
    seeds=2,
)
SMALL = Study(
    question="?", arms=(Arm(method="gnt", label="GNT", space={"sigma": Grid(0.1, 0.2)}),), reports=(), seeds=2
)


def _value(trial: Trial, corruption: str, severity: int) -> float:
    """Accuracy made up of the trial: a hill over the learning rate and the method, and noise of its seed."""
    draw = random.Random(f"{trial.key} {corruption} {severity}").uniform(-0.05, 0.05)
    return 0.6 + 0.1 * math.sin(1e3 * trial.recipe["lr"]) + (0.1 if trial.method == "gnt" else 0) + draw


def _measure(folder: Folder, trial: Trial) -> None:
    table([trial], folder.trials_path, _value, State.VALIDATED)


def _optimizer(path: Path, study: Study = STUDY, **search: Any) -> Optimizer:
    path.mkdir(exist_ok=True)
    return Optimizer("s", Space(study, FINGERPRINT), Search(**search), Folder(path))


def _run(optimizer: Optimizer, end: Callable[[Folder, Trial], object] = _measure, count: int = 1000) -> list[Trial]:
    """Takes trials one at a time to their end; returns them."""
    taken = []
    while count and (trial := optimizer.next()):
        taken.append(trial)
        end(optimizer.folder, trial)
        optimizer.settle(trial, failed=optimizer.folder.trial(trial.key).test == "failed")
        count -= 1
    return taken


@pytest.mark.parametrize("algorithm", ["tpe", "random"])
def test_each_candidate_is_a_setting_with_all_its_seeds_and_optuna_is_told_their_mean(
    algorithm: str, tmp_path: Path
) -> None:
    optimizer = _optimizer(tmp_path / "a", algorithm=algorithm, samples=8, objectives=("clean", "corruption"))
    taken = _run(optimizer)
    assert optimizer.complete and len(optimizer.candidates) == 8
    assert [t.seed for t in taken] == [0, 1] * 8 and len({t.config_id for t in taken}) == 8
    assert len({t.arm for t in taken}) > 1  # arms are a choice, each with dimensions of its own
    stored = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 'a/optuna.db'}")
    assert stored.metric_names == ["clean", "corruption"] and len(stored.trials) == 8
    for one, other, told in zip(taken[::2], taken[1::2], stored.trials, strict=True):
        rows = results.read([optimizer.folder.trial(t.key).mark(State.VALIDATED) for t in (one, other)])
        rows = rows[rows["metric"] == "accuracy"]
        clean = rows[rows["benchmark"] == "clean"]["value"].mean()
        corrupted = rows[rows["benchmark"] == "common"]["value"].mean()
        assert told.values == pytest.approx([clean, corrupted]) and told.state.name == "COMPLETE"
        assert told.user_attrs == {"setting": one.label, "trials": [one.key, other.key]}
        assert told.params["arm"] == one.arm
        if one.arm == "GNT":
            assert set(told.params) == {"arm", "sigma", "lr"}
            assert told.params["sigma"] == one.params["sigma"] and 0.05 <= one.params["sigma"] <= 1.5
        elif one.arm == "NoisyMix":
            assert set(told.params) == {"arm", "noise.additive", "mix"}
            assert told.params["noise.additive"] == one.params["noise"]["additive"]
            assert one.params["noise"]["sparse"] == 0.5
            assert told.params["mix"] == json.dumps(one.params["mix"])
        else:
            assert set(told.params) == {"arm", "batch_size"} and isinstance(one.recipe["batch_size"], int)


def test_a_search_is_the_same_each_time_and_its_seed_makes_another(tmp_path: Path) -> None:
    runs = [_run(_optimizer(tmp_path / n, samples=7, seed=s)) for n, s in (("a", 0), ("b", 0), ("c", 1))]
    keys = [[t.key for t in run] for run in runs]
    assert keys[0] == keys[1] and not set(keys[0]) & set(keys[2])


@pytest.mark.parametrize("algorithm", ["tpe", "random", "grid"])
def test_an_interruption_changes_nothing(algorithm: str, tmp_path: Path) -> None:
    study = SMALL if algorithm == "grid" else STUDY
    whole = [t.key for t in _run(_optimizer(tmp_path / "whole", study, algorithm=algorithm, samples=6))]
    taken: list[str] = []
    for count in (1, 2, 4, 1000):
        optimizer = _optimizer(tmp_path / "often", study, algorithm=algorithm, samples=6)
        taken += [t.key for t in _run(optimizer, count=count)]
        if not optimizer.complete:
            optimizer.next()  # taken, never ended
            optimizer.study.ask()  # asked, and killed before the candidate was recorded
    assert taken == whole
    known = {c.optuna for c in candidates.read(Folder(tmp_path / "often"))}
    states = {t.state.name for t in optimizer.study.trials if t.number not in known}
    assert optimizer.complete and states <= {"FAIL"}


def test_without_looking_the_order_of_ends_does_not_matter(tmp_path: Path) -> None:
    one = _optimizer(tmp_path / "one", algorithm="random", samples=3)
    together = _optimizer(tmp_path / "together", algorithm="random", samples=3)
    taken = [together.next() for _ in range(6)]
    assert [t.key for t in taken if t] == [t.key for t in _run(one)] and together.next() is None
    for trial in reversed(taken):
        assert trial is not None
        _measure(together.folder, trial)
        together.settle(trial, failed=False)
    assert together.complete
    assert [t.values for t in together.study.trials] == [t.values for t in one.study.trials]


def test_a_grid_is_every_combination_in_order(tmp_path: Path) -> None:
    arms = (
        Arm(method="gnt", label="A", space={"sigma": Grid(0.1, 0.2), "lr": Grid(1e-3, 1e-2)}),
        Arm(method="speckle", label="B", space={"sigma": Grid(0.1, 0.3)}),
        Arm(method="standard", label="C"),
    )
    study = Study(question="?", arms=arms, reports=(), seeds=1)
    optimizer = _optimizer(tmp_path / "g", study, algorithm="grid")
    found = [(t.arm, t.params.get("sigma"), t.recipe["lr"]) for t in _run(optimizer)]
    assert found == [
        ("A", 0.1, 1e-3), ("A", 0.1, 1e-2), ("A", 0.2, 1e-3), ("A", 0.2, 1e-2),
        ("B", 0.1, 1e-3), ("B", 0.3, 1e-3), ("C", None, 1e-3),
    ]  # fmt: skip
    assert len(listed(optimizer.space)) == 7
    assert {"sigma (A)", "sigma (B)"} <= {name for t in optimizer.study.trials for name in t.params}


def test_a_setting_that_comes_again_is_not_trained_again(tmp_path: Path) -> None:
    optimizer = _optimizer(tmp_path / "again", SMALL, algorithm="random", samples=7)
    taken = _run(optimizer)
    assert len(taken) == len({t.key for t in taken}) == 4 and len(optimizer.candidates) == 7
    assert {t.state.name for t in optimizer.study.trials} == {"COMPLETE"}
    by_setting: dict[Any, set[float]] = {}
    for trial in optimizer.study.trials:
        by_setting.setdefault(trial.params["sigma"], set()).add(trial.values[0])
    assert [len(values) for values in by_setting.values()] == [1, 1]


def test_two_candidates_of_one_setting_share_their_trials_while_they_run(tmp_path: Path) -> None:
    one_setting = Study(question="?", arms=(Arm(method="standard", label="V"),), reports=(), seeds=2)
    optimizer = _optimizer(tmp_path / "twins", one_setting, algorithm="random", samples=3)
    taken = [optimizer.next(), optimizer.next()]
    assert optimizer.next() is None and len(optimizer.open) == 3
    for trial in taken:
        assert trial is not None
        _measure(optimizer.folder, trial)
        optimizer.settle(trial, failed=False)
    assert optimizer.complete


def test_stopped_and_failed_candidates_are_told_so_and_their_other_seeds_dropped(tmp_path: Path) -> None:
    def end(folder: Folder, trial: Trial) -> None:
        if trial.params["sigma"] == 0.1:
            table([trial], folder.trials_path, state=State.STOPPED)
        else:
            write_json(folder.trial(trial.key).mark(State.FAILED), {"reason": "x"})

    optimizer = _optimizer(tmp_path / "ends", SMALL, algorithm="grid")
    assert [(t.params["sigma"], t.seed) for t in _run(optimizer, end)] == [(0.1, 0), (0.2, 0)]
    assert [t.state.name for t in optimizer.study.trials] == ["PRUNED", "FAIL"] and optimizer.complete
    assert candidates.choose(optimizer.folder, optimizer.search) == []
    again = _optimizer(tmp_path / "ends", SMALL, algorithm="grid")
    assert again.complete and again.next() is None


def test_more_samples_go_on_where_fewer_ended(tmp_path: Path) -> None:
    fewer = _run(_optimizer(tmp_path / "more", samples=5))
    more = _run(_optimizer(tmp_path / "more", samples=7))
    assert [t.key for t in fewer + more] == [t.key for t in _run(_optimizer(tmp_path / "seven", samples=7))]


@pytest.mark.parametrize("count", [3, 8])
def test_a_lost_store_is_made_anew_and_changes_nothing(count: int, tmp_path: Path) -> None:
    whole = [t.key for t in _run(_optimizer(tmp_path / "whole", samples=8))]
    taken = [t.key for t in _run(_optimizer(tmp_path / "lost", samples=8), count=count)]
    before = _optimizer(tmp_path / "lost", samples=8).study.trials
    (tmp_path / "lost/optuna.db").unlink()
    again = _optimizer(tmp_path / "lost", samples=8)
    described = [[(t.number, t.state, t.values, t.params, t.user_attrs) for t in some]
                 for some in (before, again.study.trials)]  # fmt: skip
    assert described[0] == described[1]
    assert taken + [t.key for t in _run(again)] == whole and again.complete
