"""A population on real workers: killed and continued, replayed, and exported."""

import json
import os
import re
import signal
from pathlib import Path

import pytest
import torch

from study.ledger import candidates, results
from study.ledger.folder import Folder
from study.ledger.trial import Trial
from study.plan import space as spec
from study.registry.lookup import find_study
from study.work.trial_run import Place, TrialRun
from tests.end_to_end.launches import Command, Ended, Ray, children, finished, run
from tests.support import digits, same

SIZE, EPOCHS, SEEDS = 4, 3, 2
STUDY = f"""
from search_spaces.core.space import Arm, Population, Range, Study

STUDY = Study(
    question="Which schedule?",
    arms=(Arm(method="gnt", label="GNT"),),
    recipe={{"epochs": {EPOCHS}}},
    population=Population(
        mutate={{"sigma": Range(0.05, 0.5, log=True), "lr": Range(1e-4, 5e-3, log=True)}}, size={SIZE}, interval=1,
        objective="clean",  # by which the best of these has changed its values
    ),
    reports=("corruption_table",),
    seeds={SEEDS},
)
"""


@pytest.fixture(scope="module")
def alone(work: Path, scratch: Path, ray: Ray) -> tuple[Folder, Ended]:
    """A population that is left alone."""
    (work / "many.py").write_text(STUDY)
    return Folder(work / "alone"), run("launch", work / "many.py", "--output", work / "alone", scratch=scratch, ray=ray)


@pytest.fixture(scope="module")
def killed(work: Path, scratch: Path, ray: Ray, alone: tuple[Folder, Ended]) -> tuple[Folder, dict[str, int], Ended]:
    """One that is killed after some intervals, and launched again; the notes it had then."""
    folder = Folder(work / "killed")
    command = Command("launch", work / "many.py", "--output", folder.path, scratch=scratch, ray=ray)
    command.until(lambda: len(_notes(folder)) > SIZE, "into the second interval")
    os.kill(command.process.pid, signal.SIGKILL)
    command.end(grace=30)
    before = {str(p): p.stat().st_mtime_ns for p in _notes(folder)}
    return folder, before, run("resume", folder.path, scratch=scratch, ray=ray)


def _notes(folder: Folder) -> list[Path]:
    return sorted(folder.path.glob("members/*/*.json"))


def _ways(folder: Folder) -> list[tuple[dict[str, object], float]]:
    notes = [json.loads(folder.member(m, EPOCHS).with_suffix(".json").read_text()) for m in range(SIZE)]
    return [(note["trial"], note["score"]) for note in notes]


def test_members_copy_the_best_and_stay_in_their_ranges(alone: tuple[Folder, Ended]) -> None:
    _check_members(*alone)


@pytest.mark.slow
def test_pb2_s_members_do_too(work: Path, scratch: Path, ray: Ray) -> None:
    (work / "pb2.py").write_text(STUDY.replace("Population(", 'Population(algorithm="pb2", ', 1))
    folder = Folder(work / "pb2")
    _check_members(folder, run("launch", work / "pb2.py", "--output", folder.path, scratch=scratch, ray=ray))
    again = run("resume", folder.path, scratch=scratch, ray=ray, watch=True)
    assert again.code == 0 and again.listeners == frozenset(), "Ray was started for nothing"


def _check_members(folder: Folder, ended: Ended) -> None:
    assert ended.code == 0, ended.out + ended.err
    copied = 0
    for note in map(Path.read_text, _notes(folder)):
        found = json.loads(note)
        assert 0.05 <= found["asked"]["values"]["sigma"] <= 0.5 and 1e-4 <= found["asked"]["values"]["lr"] <= 5e-3
    for epoch in range(1, EPOCHS):
        scores = {m: json.loads(folder.member(m, epoch).with_suffix(".json").read_text())["score"] for m in range(SIZE)}
        for member in range(SIZE):
            after = json.loads(folder.member(member, epoch + 1).with_suffix(".json").read_text())
            source, start = after["asked"]["from"]
            assert start == epoch
            if source != member:
                copied += 1
                assert scores[source] == max(scores.values()) and scores[member] == min(scores.values())
    assert copied == EPOCHS - 1  # a quarter of four members, at every exchange


@pytest.mark.slow
def test_a_killed_population_ends_as_one_left_alone(
    alone: tuple[Folder, Ended], killed: tuple[Folder, dict[str, int], Ended]
) -> None:
    folder, before, ended = killed
    assert ended.code == 0, ended.out + ended.err
    assert _ways(folder) == _ways(alone[0])
    assert len(before) > SIZE
    assert before == {name: Path(name).stat().st_mtime_ns for name in before}, "an interval was trained again"
    keys = [[t.key for t in (candidates.chosen(f) or [])[0].trials] for f in (folder, alone[0])]
    assert keys[0] == keys[1]


def test_the_whole_way_replayed_is_the_member_bit_for_bit(alone: tuple[Folder, Ended], tmp_path: Path) -> None:
    folder = alone[0]
    ways = [Trial.from_json(json.dumps(way)) for way, _ in _ways(folder)]
    member = max(range(SIZE), key=lambda m: len(ways[m].schedule))
    assert ways[member].schedule, "no member has changed its values"
    replay = TrialRun(ways[member], digits(), Place(), tmp_path)
    while not replay.fit.done:
        replay.epoch()
    kept = torch.load(folder.member(member, EPOCHS) / "checkpoint.pt", weights_only=True)
    assert same(dict(replay.model.state_dict()), dict(kept["fit"]["model"]))
    numbers = [[(point["train_loss"], point["val_accuracy"]) for point in h] for h in (kept["history"], replay.history)]
    assert numbers[0] == numbers[1] and len(numbers[0]) == EPOCHS


def test_the_best_schedule_is_trained_with_every_seed_and_exported(alone: tuple[Folder, Ended]) -> None:
    folder = alone[0]
    best, fixed = candidates.chosen(folder) or []  # there would be no second if the best had not changed its values
    both = {t.key for candidate in (best, fixed) for t in candidate.trials}
    assert finished(folder.path) == both and len(best.trials) == len(fixed.trials) == SEEDS and len(both) == 2 * SEEDS
    values = {c.number: c.values(folder, ["clean"])[0] for c in candidates.read(folder)[:SIZE]}
    assert best.optuna == max(values, key=lambda n: values[n])
    study = find_study(str(folder.report / "best_schedule.py"))[1]
    exported = spec.resolve(study, folder.read()["fingerprint"])
    assert [t.key for t in exported if t.arm == "best schedule"] == [t.key for t in best.trials]
    assert [t.key for t in exported if t.arm == "fixed values"] == [t.key for t in fixed.trials]
    assert both <= set(children(folder.path))


def test_the_page_says_whether_the_schedule_beats_its_mean_values(alone: tuple[Folder, Ended]) -> None:
    folder, ended = alone
    text = (folder.report / "index.html").read_text()
    (said,) = re.findall(r"<h1>(.*?)</h1>", text)
    assert "est schedule" in said and "fixed values, sigma " in said and "of 2 seeds" in said
    assert "Gain over the base" in text and "beside it: fixed values, sigma " in ended.out


def test_a_members_table_is_its_own_way(alone: tuple[Folder, Ended]) -> None:
    folder = alone[0]
    for member in range(SIZE):
        rows = results.read([folder.population / f"{member:03}.parquet"])
        for epoch in range(1, EPOCHS + 1):
            note = json.loads(folder.member(member, epoch).with_suffix(".json").read_text())
            here = rows[rows["epoch"] == epoch].set_index("metric")["value"]
            assert here["sigma"] == note["asked"]["values"]["sigma"] and here["score"] == note["score"]
