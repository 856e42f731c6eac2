"""What `study status` prints: once, until the launch ends, or as JSON."""

import time
from collections import Counter
from typing import Any

from rich.console import Console
from rich.live import Live

from study.ledger import candidates
from study.ledger.folder import Folder
from study.ledger.progress import read
from study.ledger.state import State
from study.ledger.trial import Trial
from study.terminal.board import board
from study.terminal.show import choice, race

TEST_STATES = (State.FINISHED, State.FAILED, State.STARTED, State.PENDING)
EVERY = 1.0
"""Seconds between two looks."""


def facts(folder: Folder) -> dict[str, Any]:
    """Returns how far a study is, as JSON values. Raises UserError where there is no study.

    "trials": state -> how many of those that test data is read for; "selection": the same of what a search trained,
    null without one; "failures": why; "launch": what the board of the latest launch shows, null before it.
    """
    study, progress, trials = folder.read(), read(folder), folder.trials()
    failures = [
        {"trial": trial.key, "setting": trial.label, "seed": trial.seed, "reason": place.failure_reason()}
        for trial in trials
        if State.FAILED in ((place := folder.trial(trial.key)).test, place.selection)
    ]
    launch = None
    if progress is not None:
        now = time.time() if progress.at_work else progress.updated
        launch = {
            "at_work": progress.at_work,
            "phase": progress.phase,
            "done": progress.done,
            "total": progress.total,
            "failed": progress.failed,
            "elapsed": now - progress.launched,
            "per_minute": progress.rate(now) * 60 if progress.at_work else None,
            "left": progress.left(now) if progress.at_work else None,
            "running": list(progress.running.values()),
            "objective": progress.objective,
            "leading": [{"setting": label, "value": value, "seeds": n} for value, label, n in progress.leading],
        }
    return {
        "name": study["name"],
        "id": study["id"],
        "data": study["data"],
        "directory": str(folder.path),
        "trials": _tested(folder, trials),
        "selection": _selected(folder, trials) if folder.selects else None,
        "failures": failures,
        "launch": launch,
        "report": str(folder.report / "index.html") if (folder.report / "index.html").exists() else None,
        "tracking_uri": study.get("tracking_uri"),
    }


def watch(folder: Folder, console: Console) -> None:
    """Shows the board of the launch at work until it ends; returns at once where none is. Ctrl-C ends the watch."""
    progress = read(folder)
    if progress is None or not progress.at_work:
        return
    try:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while progress is not None and progress.at_work:
                live.update(board(progress, console.width, folder), refresh=True)
                time.sleep(EVERY)
                progress = read(folder)
    except KeyboardInterrupt:
        return


def show(folder: Folder, console: Console) -> None:
    """Prints the board of a launch at work, how many trials are in which state, and why failed ones failed."""
    study, progress, trials = folder.read(), read(folder), folder.trials()
    console.print(f"{study['name']} on {study['data']} ({study['id']})", markup=False, soft_wrap=True)
    if progress is not None and progress.at_work:
        console.print(board(progress, console.width, folder))
    if folder.selects:
        selected = ", ".join(f"{count} {state}" for state, count in _selected(folder, trials).items())
        console.print(f"  selection: {selected}")
    for state, count in _tested(folder, trials).items():
        console.print(f"  {state:9} {count:5}")
    choice(folder, console)
    race(folder, console)
    for trial in trials:
        place = folder.trial(trial.key)
        if place.test is State.FAILED:
            text = f"failed: {trial.label}, seed {trial.seed}: {place.failure_reason()}"
            console.print(text, style="red", markup=False, soft_wrap=True)


def _selected(folder: Folder, trials: list[Trial]) -> dict[State, int]:
    states = Counter(folder.trial(trial.key).selection for trial in trials)
    return {state: states[state] for state in State if states[state]}


def _tested(folder: Folder, trials: list[Trial]) -> dict[State, int]:
    if folder.selects:
        trials = [trial for candidate in candidates.chosen(folder) or [] for trial in candidate.trials]
    states = Counter(folder.trial(trial.key).test for trial in trials)
    return {state: states[state] for state in TEST_STATES}
