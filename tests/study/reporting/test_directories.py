"""Several studies as one table: trials once, labels that tell settings apart, what is missing."""

from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces.core.space import Arm, Grid
from study.errors import UserError
from study.ledger import results
from study.ledger.folder import Folder, write_json
from study.ledger.state import State
from study.ledger.trial import Trial
from study.reporting import directories as gather
from tests.support import members, population, table, trials

FACTS = {"question": "?", "data": "digits"}


def _study(path: Path, some: list[Trial], name: str = "sigma_sweep", **facts: str) -> gather.Source:
    folder = Folder(path)
    folder.claim(name, "id", some, {**FACTS, **facts})
    table(some, folder.trials_path)
    return gather.look(folder)


def _sweep(*sigmas: float, label: str = "GNT", seeds: int = 2, **fixed: object) -> list[Trial]:
    return trials(
        "sigma_sweep", arms=(Arm(method="gnt", label=label, space={"sigma": Grid(*sigmas), **fixed}),), seeds=seeds
    )


def test_one_study_is_its_files(tmp_path: Path) -> None:
    source = _study(tmp_path / "a", _sweep(0.1, 0.5))
    files = [source.folder.trial(trial.key).mark(State.FINISHED) for trial in source.trials]
    assert gather.rows([source]).equals(results.read(files))


def test_the_same_trial_counts_once_and_seeds_join(tmp_path: Path) -> None:
    one, more = _study(tmp_path / "a", _sweep(0.1, 0.5)), _study(tmp_path / "b", _sweep(0.1, 0.5, seeds=3))
    rows = gather.rows([one, more])
    clean = rows[(rows["benchmark"] == "clean") & (rows["metric"] == "accuracy")]
    assert sorted(clean["seed"]) == [0, 0, 1, 1, 2, 2] and clean["trial"].is_unique
    assert set(rows["label"]) == {"GNT, sigma 0.1", "GNT, sigma 0.5"}


def test_values_of_one_arm_join_into_one(tmp_path: Path) -> None:
    rows = gather.rows([_study(tmp_path / "a", _sweep(0.1)), _study(tmp_path / "b", _sweep(0.5), name="other")])
    assert set(rows["arm"]) == {"GNT"} and set(rows["label"]) == {"GNT, sigma 0.1", "GNT, sigma 0.5"}


def test_arms_that_differ_in_what_no_label_says_get_their_studys_name(tmp_path: Path) -> None:
    """Otherwise a curve would run through settings of different lr."""
    one = _study(tmp_path / "a", _sweep(0.1) + _sweep(0.2, label="Same"))
    other = _study(tmp_path / "b", _sweep(0.5, lr=0.1) + _sweep(0.3, label="Same"), name="other")
    found = gather.rows([one, other]).drop_duplicates("config")
    expected = {
        ("sigma_sweep: GNT", "sigma_sweep: GNT, sigma 0.1"), ("other: GNT", "other: GNT, sigma 0.5"),
        ("Same", "Same, sigma 0.2"), ("Same", "Same, sigma 0.3"),
    }  # fmt: skip
    assert set(zip(found["arm"], found["label"], strict=True)) == expected


def test_the_same_label_for_different_settings_clashes_too(tmp_path: Path) -> None:
    plain = [replace(trial, arm="GNT, sigma 0.5", varied=()) for trial in _sweep(0.5, lr=0.1)]
    rows = gather.rows([_study(tmp_path / "a", _sweep(0.5)), _study(tmp_path / "b", plain, name="other")])
    assert set(rows["label"]) == {"sigma_sweep: GNT, sigma 0.5", "other: GNT, sigma 0.5"}


def test_a_setting_has_one_label(tmp_path: Path) -> None:
    renamed = [replace(trial, arm="Gaussian") for trial in _sweep(0.5, seeds=3)]
    rows = gather.rows([_study(tmp_path / "a", _sweep(0.5)), _study(tmp_path / "b", renamed, name="other")])
    assert set(rows["label"]) == {"GNT, sigma 0.5"} and set(rows["seed"]) == {0, 1, 2}


def test_what_varies_belongs_to_the_label(tmp_path: Path) -> None:
    """Seed 2 is of a study that calls the setting by another arm and varies nothing in it."""
    fixed = [replace(trial, arm="Half", varied=()) for trial in _sweep(0.5, seeds=3)]
    rows = gather.rows([_study(tmp_path / "a", _sweep(0.1, 0.5)), _study(tmp_path / "b", fixed, name="other")])
    found = rows.drop_duplicates("trial")
    assert set(found["seed"]) == {0, 1, 2} and set(found["arm"]) == {"GNT"}
    texts = set(zip(found["label"], found["varied"], strict=True))
    assert texts == {("GNT, sigma 0.1", '{"sigma": 0.1}'), ("GNT, sigma 0.5", '{"sigma": 0.5}')}


def test_names_are_as_short_as_tells_studies_apart(tmp_path: Path) -> None:
    some = _sweep(0.1, seeds=1)
    digits, mnist = _study(tmp_path / "a", some), _study(tmp_path / "b", some, data="mnist")
    again, far = _study(tmp_path / "c", some), _study(tmp_path / "d" / "a", some)
    assert gather.names([digits]) == ["sigma_sweep"]
    assert gather.names([digits, mnist]) == ["sigma_sweep on digits", "sigma_sweep on mnist"]
    assert gather.names([digits, again]) == ["a", "c"]
    assert gather.names([digits, far]) == [str(tmp_path / "a"), str(tmp_path / "d" / "a")]


def test_what_is_not_finished_is_named(tmp_path: Path) -> None:
    some = _sweep(0.1, 0.5)
    source = _study(tmp_path / "a", some)
    source.folder.trial(some[0].key).mark(State.FINISHED).unlink()
    source.folder.trial(some[1].key).mark(State.FINISHED).unlink()
    source.folder.trial(some[0].key).mark(State.STARTED).touch()
    write_json(source.folder.trial(some[1].key).mark(State.FAILED), {"reason": "out of memory"})
    now = gather.look(source.folder)
    assert now.finished == 2 and now.missing == ["GNT, sigma 0.1, seed 0"]
    assert now.failed == [("GNT, sigma 0.5, seed 0", "out of memory")]
    assert set(gather.rows([now])["trial"]) == {some[2].key, some[3].key}


def test_nothing_finished_is_an_error_in_one_line(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "a")
    folder.claim("sigma_sweep", "id", _sweep(0.1), FACTS)
    with pytest.raises(UserError, match="no finished trial yet in sigma_sweep"):
        gather.rows([gather.look(folder)])


def test_parts_are_datasets_with_the_labels_they_have_alone(tmp_path: Path) -> None:
    digits = _study(tmp_path / "a", _sweep(0.1, 0.5))
    moved = [replace(trial, data="mnist") for trial in _sweep(0.1, lr=0.1)]
    mnist = _study(tmp_path / "b", moved, data="mnist")
    parts = gather.parts([digits, mnist], "results")
    assert list(parts) == ["digits", "mnist"] and set(gather.rows([digits, mnist])["data"]) == set(parts)
    for source, part in zip((digits, mnist), parts.values(), strict=True):
        assert part.equals(gather.rows([source]))
    assert list(gather.parts([digits, _study(tmp_path / "c", _sweep(0.2))], "results")) == ["digits"]


def test_parts_of_searches_and_populations_are_studies(tmp_path: Path) -> None:
    sources = [_study(tmp_path / name, []) for name in "abc"]
    for source, count in zip(sources, (3, 4, 0), strict=True):
        population(members(count), source.folder.population)
    parts = gather.parts(sources, "population")
    assert {name: part["arm"].nunique() for name, part in parts.items()} == {"a": 3, "b": 4}
    assert gather.parts(sources, "validation") == gather.parts(sources, "results") == {}


def test_parameters_are_the_columns_that_no_row_needs(tmp_path: Path) -> None:
    found = gather.parameters(gather.rows([_study(tmp_path / "a", _sweep(0.1))]))
    assert {"sigma", "lr", "epochs"} <= set(found) and not {"seed", "value", "label", "params"} & set(found)


def test_a_users_dataset_prints_without_its_hash_and_two_versions_of_it_stay_apart(tmp_path: Path) -> None:
    versions = [[replace(t, data=f"mine@{digit * 12}") for t in _sweep(0.1, 0.5)] for digit in "01"]
    one, other = (_study(tmp_path / str(place), some) for place, some in enumerate(versions))
    ((name, rows),) = gather.parts([one], "results").items()
    assert name == "mine" and set(rows["data"]) == {"mine"}
    both = gather.parts([one, other], "results")
    assert list(both) == ["mine@000000000000", "mine@111111111111"]
    assert [len(part) for part in both.values()] == [len(rows), len(rows)]


def test_a_damaged_table_of_a_member_costs_that_member_and_is_named(tmp_path: Path) -> None:
    source = _study(tmp_path / "a", [])
    population(members(3), source.folder.population)
    whole = gather.population([source])
    table = source.members[1]
    table.write_bytes(table.read_bytes()[:-1])
    assert source.missing == [f"member {int(table.stem)} of the population ({table} is damaged)"]
    arms = [arm for number, arm in enumerate(whole["arm"].unique()) if number != 1]
    assert list(gather.population([source])["arm"].unique()) == arms
