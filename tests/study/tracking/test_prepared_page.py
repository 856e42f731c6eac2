"""The page that `study ui` opens, in a real browser: settings as groups of seeds, the study's own charts first."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest

from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.headline import headline
from study.ledger.state import State
from study.ledger.trial import Trial
from study.tracking.mirror import Mirror
from tests.browser import dumped, need_browser, texts
from tests.support import table, trials

TRIALS = trials("sigma_sweep", seeds=3)
FACTS = {
    "question": "How much?", "data": "digits", "reports": ["accuracy_curve"], "command": "study launch sigma_sweep",
    "commit": "abc", "versions": {},
}  # fmt: skip
PATIENCE = 60_000
"""Milliseconds of the page's own time, in which it draws its charts one after the other."""


@pytest.fixture(scope="module")
def folder(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A study of 12 settings with 3 seeds, all of it in MLflow."""
    work = tmp_path_factory.mktemp("work")
    uri = f"sqlite:///{shutil.copy(empty_store, work)}"
    folder = Folder(work / "study")
    folder.claim("sigma_sweep", "aaaa11112222", TRIALS, {**FACTS, "tracking_uri": uri})
    table(TRIALS, folder.trials_path)
    mirror = Mirror(uri, folder)
    mirror.close({})
    assert mirror.error is None
    return folder


@pytest.fixture(scope="module")
def shown(folder: Folder) -> Iterator[list[str]]:
    """The texts of the page whose link `study ui` prints."""
    need_browser()
    command = [sys.executable, "-c", "from study.cli import main; main()", "ui", str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as ui:
        assert ui.stdout is not None
        lines = iter(ui.stdout.readline, "")
        link = next(line for line in lines if line.startswith("Compare: ")).partition(" ")[2].strip()
        try:
            profile, size = folder.path.parent / "profile", "--window-size=1600,1400"
            yield texts(dumped(link, profile, size, milliseconds=PATIENCE))
        finally:
            ui.send_signal(signal.SIGTERM)


def _corruption(folder: Folder, trial: Trial) -> float:
    return headline(results.rows(folder.trial(trial.key).mark(State.FINISHED)))["corruption"]


def test_twelve_settings_of_three_seeds_are_on_the_screen_the_most_robust_first(
    folder: Folder, shown: list[str]
) -> None:
    labels = list(dict.fromkeys(trial.label for trial in TRIALS))
    means = {label: fmean(_corruption(folder, t) for t in TRIALS if t.label == label) for label in labels}
    groups = [
        (text.removeprefix("Group: "), count)
        for text, count in zip(shown, shown[1:], strict=False)
        if text.startswith("Group: ")
    ]
    assert groups == [(label, "3") for label in sorted(labels, key=lambda label: -means[label])] and len(labels) == 12


def test_the_study_s_own_charts_come_first_and_are_drawn(shown: list[str]) -> None:
    headings = [before for before, after in zip(shown, shown[1:], strict=False) if after.startswith("(")]
    assert headings == ["Settings, means over seeds", "Model metrics", "corruption"]
    start, end = shown.index(headings[0]), shown.index(headings[1])
    assert shown[start + 1] == "(4)"
    charts = ["sigma vs. corruption", "clean vs. corruption", "Parallel Coordinates", "corruption"]
    places = [start]
    for chart in charts:
        places.append(shown.index(chart, places[-1], end))
    for first, last in zip(places[1:], [*places[2:], end], strict=True):
        drawn = [text for text in shown[first:last] if text.replace(".", "").isdigit()]
        assert len(drawn) >= 3, f"{shown[first]} has no axis: {shown[first:last]}"
