"""A population's member, without Ray's processes."""

from dataclasses import replace
from pathlib import Path

import pytest

from reports import population_schedules
from search_spaces.core.space import Arm, Grid, Population, Range, Study
from study.engine import best_schedule as population
from study.engine.members import MemberActor
from study.errors import UserError
from study.ledger import candidates, results
from study.ledger.candidates import Candidate
from study.ledger.folder import Folder
from study.ledger.state import State
from study.plan.options import Options
from study.plan.overrides import adopted
from study.plan.space import Space
from study.registry import sources
from study.registry.lookup import adopt, find_study
from tests.support import digits, table

STUDY = Study(
    question="?",
    arms=(Arm(method="standard", label="Vanilla"),),
    recipe={"epochs": 2, "optimizer": "sgd"},
    population=Population(mutate={"lr": Range(0.1, 1e30)}, size=1, interval=1),
    reports=(),
    seeds=1,
)


def _config(folder: Path, space: Space, member: int) -> dict[str, object]:
    return {
        "trial": space.trials(space.arms[0], {"lr": 0.1})[0].to_json(), "interval": 1, "objective": "corruption",
        "study": "s", "options": Options(), "folder": str(folder), "storage": None, "member": member,
    }  # fmt: skip


def test_a_members_rows_say_its_number(tmp_path: Path) -> None:
    data = digits()
    actor = MemberActor.__new__(MemberActor)
    actor.setup({"config": _config(tmp_path, Space(STUDY, data.fingerprint), member=3), "lr": 0.1}, data)
    assert actor.step()["score"] > 0
    points = population_schedules.points(results.read(Folder(tmp_path).population.glob("*.parquet")))
    assert set(points["member"]) == {3} and set(points["metric"]) == {"lr", "val_accuracy", "score"}


def test_a_member_that_diverges_at_the_end_is_done_and_is_not_chosen(tmp_path: Path) -> None:
    data, folder = digits(), Folder(tmp_path)
    space = Space(STUDY, data.fingerprint)
    config = _config(tmp_path, space, member=0)
    actor = MemberActor.__new__(MemberActor)
    actor.setup({"config": config, "lr": 0.1}, data)
    assert actor.step()["done"] is False
    start = actor.at
    for _ in range(2):  # again, as after a resume
        actor.reset_config({"config": config, "lr": 1e30})
        actor.at = start
        result = actor.step()
        assert result["done"] is True and result["score"] == 0.0
    ways = population.members(folder, space)
    assert ways is not None and len(ways) == 1
    with pytest.raises(UserError, match="every member of the population in .* diverged"):
        population.choose(folder, space, ways)


def test_fixed_values_are_the_means_over_epochs() -> None:
    values = [4e-3, 4e-3, 1e-3, 2.5e-4]
    assert population.mean_value(values, Range(1e-4, 1e-2)) == pytest.approx(2.3125e-3)
    assert population.mean_value(values, Range(1e-4, 1e-2, log=True)) == 0.00141421
    assert population.mean_value([2, 3, 5], Range(1, 9)) == 3 and population.mean_value([8, 2, 2], Grid(2, 4, 8)) == 2


def test_beside_a_schedule_its_mean_values_are_trained_with_every_seed(tmp_path: Path) -> None:
    space = Space(replace(STUDY, recipe={"epochs": 3}, seeds=2), digits().fingerprint)
    (first, *_) = space.trials(space.arms[0], {"lr": 0.1})
    phase = {"epoch": 1, "params": first.params, "recipe": {**first.recipe, "lr": 0.4}}
    for schedule, count in (((phase,), 2), ((), 1)):
        folder, member = Folder(tmp_path / str(count)), replace(first, schedule=schedule)
        table([member], folder.trials_path, state=State.VALIDATED)
        population.choose(folder, space, [member])
        best, *beside = candidates.chosen(folder) or []
        assert [t.seed for t in best.trials] == [0, 1] and best.trials[1].schedule == schedule
        assert len(beside) == count - 1
        for trial in (t for each in beside for t in each.trials):
            assert (trial.arm, trial.schedule, trial.recipe) == ("fixed values", (), {**first.recipe, "lr": 0.3})


def test_the_exported_schedule_names_the_copies_of_the_users_code(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from trainers.standard import METHOD\n")
    method = adopt("method", str(tmp_path / "mine.py"))
    space = Space(replace(STUDY, arms=(Arm(method=method, label="Mine"),)), digits().fingerprint)
    folder, source = Folder(tmp_path / "home"), sources.stored(method)
    folder.write(folder.code / source.hash / "mine.py", source.files["mine.py"])
    Candidate(0, 0, {}, tuple(space.trials(space.arms[0], {"lr": 0.1}))).write(folder)
    folder.write_json(folder.chosen, {"objectives": [], "candidates": [{"number": 0}]})
    population.export(folder, space, "mine")
    (tmp_path / "mine.py").unlink()
    _, exported, beside = find_study(str(folder.report / "best_schedule.py"))
    assert [arm.method for arm in adopted(exported, beside).arms] == [method, method]
