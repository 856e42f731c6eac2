"""What planned seeds can tell apart: by the formula, or by an earlier study of the same data."""

import random
import re
from pathlib import Path

from reports.core.seed_planning import detectable
from study.ledger.folder import Folder
from study.ledger.trial import Trial
from study.reporting.precision import precision
from tests.support import table, trials

TRIALS = [t for t in trials("sigma_sweep", seeds=4) if t.arm == "GNT"]
FACTS = {"data": "digits", "question": "?"}
NOISE = 0.01
"""Standard deviation of a trial's accuracy beside its seed's part."""


def _study(path: Path, data: str = "digits", seeds: int = 4) -> None:
    def value(trial: Trial, corruption: str, severity: int) -> float:
        own, seed = random.Random(trial.key), random.Random(trial.seed)
        return 0.7 + own.gauss(0, NOISE) + seed.gauss(0, 0.03)

    some = [t for t in TRIALS if t.seed < seeds]
    folder = Folder(path)
    folder.claim("sigma_sweep", path.name, some, {**FACTS, "data": data})
    table(some, folder.trials_path, value)


def _points(text: str) -> float:
    match = re.search(r"differ by about ([\d.]+) points", text)
    assert match is not None, text
    return float(match[1])


def test_without_an_earlier_study_it_is_the_formula(tmp_path: Path) -> None:
    text = precision(3, 12, "digits", 599, tmp_path)
    expected = 100 * detectable(2 * 0.1 / (2 * 599), 3, 12)
    assert abs(_points(text) - expected) < 0.051 and "if 10% of 599 test images are wrong" in text
    assert _points(precision(12, 12, "digits", 599, tmp_path)) < _points(text)


def test_an_earlier_study_of_the_same_data_says_how_much_trainings_differ(tmp_path: Path) -> None:
    _study(tmp_path / "other", data="mnist")
    _study(tmp_path / "single", seeds=1)
    assert "if 10% of" in precision(3, 10, "digits", 599, tmp_path)
    _study(tmp_path / "earlier")
    text = precision(3, 10, "digits", 599, tmp_path)
    assert f"by the spread of trainings in {tmp_path / 'earlier'}" in text
    expected = 100 * detectable(2 * NOISE**2, 3, 10)  # blocks, the seeds' own part, do not count
    assert 0.7 * expected < _points(text) < 1.3 * expected


def test_what_cannot_be_read_is_no_help_and_no_harm(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/study.json").write_text("{}")
    assert "if 10% of" in precision(3, 10, "digits", 599, tmp_path)


def test_one_seed_tells_nothing_apart(tmp_path: Path) -> None:
    for seeds, settings in ((1, 5), (5, 1)):
        assert "nothing is told apart" in precision(seeds, settings, "digits", 599, tmp_path)
