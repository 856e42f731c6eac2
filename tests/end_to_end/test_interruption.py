"""A study that is stopped and killed, again and again, ends with the table of one that was left alone."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.state import State
from tests.end_to_end.conftest import TINY
from tests.end_to_end.launches import Command, Ended, children, parents, run, store, table, times, undisturbed
from tests.end_to_end.launches import finished as finished_trials

pytestmark = pytest.mark.slow  # each stage alone is in test_faults_interrupt and test_faults_workers
EPOCHS = 40


@dataclass(frozen=True)
class Story:
    """What happened to a study: four launches, three of them ended early."""

    directory: Path
    ends: dict[str, Ended]
    seconds: dict[str, float]
    """How long the end of each took."""
    finished: dict[str, int]
    """The finished trials' files when the driver was killed, and when each was written."""
    history: dict[str, list[dict[str, Any]]]
    """What the interrupted trials' checkpoints held then."""


@pytest.fixture(scope="module")
def file(work: Path) -> Path:
    """A study of four trials whose epochs leave time to interrupt it."""
    path = work / "long.py"
    path.write_text(TINY.replace('"epochs": 3', f'"epochs": {EPOCHS}', 1))
    return path


@pytest.fixture(scope="module")
def story(work: Path, scratch: Path, file: Path) -> Story:
    """Ctrl-C in the terminal, SIGINT to the driver alone, kill -9 of the driver, then a launch that is left alone."""
    directory = work / "stopped"
    folder, ends, seconds = Folder(directory), {}, {}

    def stop(name: str, condition: Callable[[], object], act: Callable[[Command], object]) -> None:
        command = Command("launch", file, "--output", directory, scratch=scratch)
        command.until(condition, name)
        start = time.monotonic()
        act(command)
        command.process.wait(60)
        seconds[name] = time.monotonic() - start
        ends[name] = command.end(grace=30)

    def advanced() -> bool:
        """Whether a trial that is not finished has been trained in this launch."""
        paths = folder.path.glob("trials/*/checkpoint.pt")
        return any(p.stat().st_mtime > since and p.parent.name not in finished_trials(directory) for p in paths)

    since = time.time()
    stop("terminal", advanced, Command.interrupt)
    since = time.time()
    stop("driver", advanced, lambda command: command.process.send_signal(signal.SIGINT))

    def another() -> bool:
        """Whether a trial is finished in this launch and another has been trained since."""
        nonlocal since
        since = max(times(directory).values(), default=0) / 1e9
        return since > 0 and advanced()

    stop("killed", another, lambda command: os.kill(command.process.pid, signal.SIGKILL))
    finished = times(directory)
    paths = [p for p in folder.path.glob("trials/*/checkpoint.pt") if p.parent.name not in finished]
    history = {p.parent.name: torch.load(p, weights_only=True)["history"] for p in paths}
    ends["whole"] = run("launch", file, "--output", directory, scratch=scratch)
    return Story(directory, ends, seconds, finished, history)


@pytest.mark.parametrize("name", ["terminal", "driver"])
def test_interrupt_ends_in_seconds_and_in_order(story: Story, name: str) -> None:
    ended = story.ends[name]
    assert ended.code == 130, ended.out + ended.err
    assert "` continues where it stopped" in ended.out and "Traceback" not in ended.out + ended.err
    assert ended.err == ""
    assert ended.left == () and ended.scratch == ()


def test_killed_driver_leaves_no_process(story: Story) -> None:
    assert story.ends["killed"].code == -signal.SIGKILL
    assert story.ends["killed"].left == ()


def test_relaunch_keeps_what_is_finished_and_continues_the_rest(story: Story) -> None:
    assert story.ends["whole"].code == 0 and "4 of 4 trials finished" in story.ends["whole"].out
    assert story.finished and story.finished.items() <= times(story.directory).items()
    assert any(story.history.values())
    for key, history in story.history.items():
        rows = results.read([Folder(story.directory).trial(key).mark(State.FINISHED)])
        stamps = rows[rows["metric"] == "time"].sort_values("epoch")["value"].tolist()
        assert stamps[: len(history)] == [point["time"] for point in history]
        assert len(stamps) == EPOCHS and stamps == sorted(stamps)


def test_table_equals_that_of_a_study_left_alone(story: Story, file: Path) -> None:
    stopped = table(story.directory)
    assert stopped["trial"].nunique() == 4 and stopped.equals(undisturbed(file))


def test_mlflow_has_each_run_once_and_finished(story: Story) -> None:
    found = children(story.directory)
    assert {run.info.status for run in found.values()} == {"FINISHED"} and len(found) == 4
    assert [run.info.status for run in parents(story.directory)] == ["FINISHED"]
    client = store(story.directory)
    for child in found.values():
        steps = [point.step for point in client.get_metric_history(child.info.run_id, "val_accuracy")]
        assert sorted(steps) == list(range(1, EPOCHS + 1)), "an epoch is missing or there twice"
