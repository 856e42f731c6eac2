"""Which candidates are chosen, from validation tables alone."""

import json
import random
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from search_spaces.core.space import Search
from study.ledger.candidates import Candidate, choose, chosen, read
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial
from tests.support import table, trials

SOME = [t for t in trials("sigma_sweep", seeds=2) if t.arm == "GNT"]
SETTINGS = list(dict.fromkeys(t.config_id for t in SOME))


def _search(folder: Folder, values: dict[str, tuple[float, float]]) -> None:
    """Writes a candidate for each setting; values: config -> clean accuracy and accuracy under every corruption."""

    def value(trial: Trial, corruption: str, severity: int) -> float:
        clean, corrupted = values[trial.config_id]
        return (clean if corruption == "clean" else corrupted) + (0.01 if trial.seed else -0.01)

    for number, config in enumerate(values):
        mine = tuple(t for t in SOME if t.config_id == config)
        Candidate(number, number, {"sigma": mine[0].params["sigma"]}, mine).write(folder)
        table(list(mine), folder.trials_path, value, State.VALIDATED)


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_no_other_beats_and_the_best_what_is_highest(seed: int, tmp_path: Path) -> None:
    folder, draws = Folder(tmp_path), random.Random(seed)
    values = {config: (draws.randrange(3, 7) / 10, draws.randrange(3, 7) / 10) for config in SETTINGS}
    _search(folder, values)
    found = [c.trials[0].config_id for c in choose(folder, Search(objectives=("clean", "corruption")))]
    front = {
        a for a in SETTINGS
        if not any(values[b] != values[a] and values[b][0] >= values[a][0] and values[b][1] >= values[a][1]
                   for b in SETTINGS)
    }  # fmt: skip
    assert set(found) == front and len(found) == len(front)
    assert [values[c][0] for c in found] == sorted((values[c][0] for c in found), reverse=True)
    for name, index in (("clean", 0), ("corruption", 1)):
        (best,) = choose(folder, Search(objectives=(name,)))
        assert values[best.trials[0].config_id][index] == max(v[index] for v in values.values())
    three = choose(folder, Search(objectives=("corruption",), chosen=3))
    assert sorted((values[c.trials[0].config_id][1] for c in three), reverse=True) == [
        v for _, v in sorted((-v[1], v[1]) for v in values.values())[:3]
    ]


def test_a_limit_keeps_the_ends_of_the_front(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    _search(folder, {config: (0.3 + 0.05 * i, 0.8 - 0.05 * i) for i, config in enumerate(SETTINGS)})
    for limit, numbers in {1: [9], 2: [9, 0], 3: [9, 5, 0], 99: list(range(9, -1, -1))}.items():
        found = choose(folder, Search(objectives=("clean", "corruption"), chosen=limit))
        assert [c.number for c in found] == numbers


def test_the_choice_is_recorded_with_its_values(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert chosen(folder) is None
    _search(folder, {config: (0.5, 0.4 + 0.02 * i) for i, config in enumerate(SETTINGS)})
    found = choose(folder, Search())
    assert chosen(folder) == found == [read(folder)[9]]
    record = json.loads(folder.chosen.read_text())
    assert record["candidates"][0]["corruption"] == pytest.approx(0.58)  # the mean over seeds


def test_only_what_is_validated_is_chosen_and_a_setting_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    _search(folder, dict.fromkeys(SETTINGS, (0.5, 0.5)))
    again = replace(read(folder)[0], number=10)
    again.write(folder)
    for trial in read(folder)[1].trials:
        folder.trial(trial.key).mark(State.VALIDATED).unlink()
    found = choose(folder, Search(objectives=("clean", "corruption")))
    assert [c.number for c in found] == [0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [read(folder)[n].state(folder) for n in (0, 1, 10)] == ["validated", "started", "validated"]


def test_where_none_is_validated_nothing_is_chosen_for_good(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    _search(folder, {SETTINGS[0]: (0.5, 0.5)})
    for path in folder.trials_path.glob("*/validation.parquet"):
        path.unlink()
    assert choose(folder, Search()) == [] and chosen(folder) is None


def test_a_candidates_state_is_that_of_its_worst_seed(tmp_path: Path) -> None:
    ends = ("validated", "stopped", "failed", "pending")
    for number, (one, other) in enumerate(product(ends, ends)):
        folder = Folder(tmp_path / str(number))
        mine = tuple(t for t in SOME if t.config_id == SETTINGS[0])
        for trial, end in zip(mine, (one, other), strict=True):
            folder.trial(trial.key).path.mkdir(parents=True)
            if end != "pending":
                folder.trial(trial.key).mark(State(end)).write_bytes(b"PAR1PAR1")
        expected = next((e for e in ("failed", "stopped") if e in (one, other)), "started")
        expected = "validated" if {one, other} == {"validated"} else expected
        assert Candidate(0, 0, {}, mine).state(folder) == expected
