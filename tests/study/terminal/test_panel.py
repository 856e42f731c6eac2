"""What a person sees while a study runs, where lines can only be added."""

import io
from dataclasses import replace

from rich.console import Console

from study.ledger.events import Event, Kind
from study.terminal.panel import Display
from tests.support import trials

ONE, TWO = (t for t in trials("sigma_sweep", seeds=1) if t.params["sigma"] in (0.0, 0.5))


def _shown(*events: Event) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    with Display(console) as panel:
        for event in events:
            panel(event)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def _finished(trial, score: float) -> tuple[Event, Event]:  # type: ignore[no-untyped-def]
    return Event(kind=Kind.STARTED, trial=trial), Event(kind=Kind.FINISHED, trial=trial, score=score)


BEGIN = Event(kind=Kind.PHASE, reason="trials", total=3)


def test_a_finished_trial_is_counted_with_what_it_was_validated_at() -> None:
    lines = _shown(BEGIN, *_finished(ONE, 0.75), *_finished(TWO, float("nan")))
    assert lines[0].startswith(f"[1/3] {ONE.label}, seed 0  validated 75.0%") and "left" in lines[0]
    assert lines[1].startswith(f"[2/3] {TWO.label}, seed 0") and "nan" not in lines[1]


def test_what_fails_and_what_is_tried_again_says_why() -> None:
    retried = Event(kind=Kind.RETRIED, trial=ONE, reason="the worker died")
    failed = Event(kind=Kind.FAILED, trial=replace(ONE, arm="[b]odd[/b]"), reason="out of memory")
    assert _shown(BEGIN, retried, failed) == [
        f"retried: {ONE.label}, seed 0: the worker died", "failed: [b]odd[/b], sigma 0, seed 0: out of memory",
    ]  # fmt: skip


def test_the_leading_setting_is_the_one_with_the_best_mean_over_its_seeds() -> None:
    console = Console(file=io.StringIO(), width=200)
    with Display(console) as panel:
        panel(BEGIN)
        for trial, score in ((ONE, 0.9), (replace(ONE, seed=1), 0.5), (TWO, 0.8)):
            for event in _finished(trial, score):
                panel(event)
        assert panel.progress.leading == [(0.8, TWO.label, 1), (0.7, ONE.label, 2)]


def test_each_phase_counts_anew() -> None:
    lines = _shown(BEGIN, *_finished(ONE, 0.5), replace(BEGIN, reason="chosen", total=1), *_finished(TWO, 0.6))
    assert [line.split()[0] for line in lines] == ["[1/3]", "[1/1]"]


def test_a_members_interval_shows_its_values() -> None:
    event = Event(kind=Kind.INTERVAL, trial=TWO, member=2, epoch=3, score=0.61)
    assert _shown(BEGIN, event) == ["member 2, epoch 3: 61.0% with sigma 0.5"]
