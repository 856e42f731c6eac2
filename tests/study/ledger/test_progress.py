"""How far a launch is, as other terminals read it."""

from dataclasses import replace
from pathlib import Path

from search_spaces.core.space import Search
from study.ledger import progress as module
from study.ledger.events import Event, Kind
from study.ledger.folder import Folder
from study.ledger.progress import Progress, Record, begin, read
from study.registry.lookup import find_study
from tests.support import trials

ONE, TWO = (t for t in trials("sigma_sweep", seeds=1) if t.params["sigma"] in (0.0, 0.5))


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    progress = Progress(name="s")
    progress.hear(Event(kind=Kind.PHASE, reason="training", total=2))
    progress.hear(Event(kind=Kind.FINISHED, trial=ONE, score=0.5))
    Record(Folder(tmp_path), progress).write(now=True)
    assert read(Folder(tmp_path)) == progress and progress.at_work


def test_no_launch_and_a_file_of_another_version_say_nothing(tmp_path: Path) -> None:
    assert read(Folder(tmp_path)) is None
    Folder(tmp_path).progress.write_text('{"other": 1}')
    assert read(Folder(tmp_path)) is None


def test_the_next_launch_ranks_what_the_earlier_one_validated_unless_the_objective_is_another(tmp_path: Path) -> None:
    _, study, _ = find_study("sigma_sweep")
    first = begin(Folder(tmp_path), study, "s")
    first.hear(Event(kind=Kind.FINISHED, trial=ONE, score=0.5))
    Record(Folder(tmp_path), first).write(now=True)
    second = begin(Folder(tmp_path), study, "s")
    second.hear(Event(kind=Kind.FINISHED, trial=ONE.with_seed(1), score=0.7))
    assert second.leading == [(0.6, ONE.label, 2)]
    clean = begin(Folder(tmp_path), replace(study, search=Search(objectives=("clean",))), "s")
    assert clean.objective == "clean" and clean.leading == []


def test_a_member_is_ranked_by_its_latest_interval_and_runs_until_its_last_epoch() -> None:
    progress, epochs = Progress(), ONE.recipe["epochs"]
    for epoch, score in ((1, 0.9), (2, 0.4)):
        progress.hear(Event(kind=Kind.INTERVAL, trial=ONE, member=3, epoch=epoch, score=score))
    assert progress.leading == [(0.4, "member 3", 1)] and progress.running["member 3"]["epoch"] == 2
    progress.hear(Event(kind=Kind.INTERVAL, trial=ONE, member=3, epoch=epochs, score=0.5))
    assert not progress.running


def test_the_pace_is_of_this_launch_alone() -> None:
    progress = Progress()
    progress.hear(Event(kind=Kind.PHASE, reason="training", total=10, done=6))
    progress.hear(Event(kind=Kind.STARTED, trial=ONE))
    assert progress.left(progress.since + 10) is None  # nothing says so yet
    progress.hear(Event(kind=Kind.FINISHED, trial=ONE, score=0.5))
    progress.hear(Event(kind=Kind.FAILED, trial=TWO, reason="x"))
    assert progress.rate(progress.since + 10) == 0.2 and progress.left(progress.since + 10) == 10.0


def test_the_report_keeps_the_count() -> None:
    progress = Progress()
    progress.hear(Event(kind=Kind.PHASE, reason="training", total=1))
    progress.hear(Event(kind=Kind.FINISHED, trial=ONE, score=0.5))
    progress.hear(Event(kind=Kind.PHASE, reason="making the report"))
    assert (progress.done, progress.total, progress.phase) == (1, 1, "making the report")


def test_a_launch_whose_process_is_gone_is_not_at_work() -> None:
    progress = Progress(phase="training")
    assert not replace(progress, pid=2**22 + 1).at_work and not replace(progress, phase="ended").at_work
    far = replace(progress, host="elsewhere", pid=2**22 + 1)
    assert far.at_work and not replace(far, updated=far.updated - module.SILENT - 1).at_work
