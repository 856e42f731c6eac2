"""A study's report from its directory, whatever state it is in."""

from pathlib import Path

import pytest

from study import reporting
from study.errors import UserError
from study.folder import Folder, write_json
from tests.support import table, trials

TRIALS = [t for t in trials("sigma_sweep", seeds=2) if t.params["sigma"] in (0.0, 0.18, 0.5, 1.0)]
FACTS = {
    "question": "How much?", "data": "digits", "fingerprint": "f", "reports": ["accuracy_curve", "corruption_table"],
    "command": "study launch sigma_sweep", "tracking_uri": "sqlite:///x", "commit": "abc", "versions": {"torch": "2"},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "home")
    made.claim("sigma_sweep", "id", TRIALS, FACTS)
    return made


def test_an_unfinished_study_has_nothing_to_report(folder: Folder) -> None:
    with pytest.raises(UserError, match="no finished trial yet in"):
        reporting.make([folder], folder.report)
    assert not folder.report.exists()


def test_it_says_what_is_missing_and_what_failed(folder: Folder) -> None:
    table(TRIALS[:-2], folder.results)
    write_json(folder.failure(TRIALS[-1].key), {"reason": "out of memory"})
    (folder.path / "results" / f"{TRIALS[-2].key}.1.tmp").write_bytes(b"half")
    sections, summary, _ = reporting.make([folder], folder.report)
    assert [s.name for s in sections] == ["accuracy_curve", "corruption_table"] and "best_sigma.corruption" in summary
    text = (folder.report / "index.html").read_text(encoding="utf-8")
    assert f"1 of {len(TRIALS)} trials has no result yet: {TRIALS[-2].label}, seed {TRIALS[-2].seed}." in text
    assert f"{TRIALS[-1].label}, seed {TRIALS[-1].seed}: out of memory" in text
    assert f"{len(TRIALS) - 2} finished of {len(TRIALS)}" in text


def test_one_report_in_some_formats(folder: Folder) -> None:
    table(TRIALS, folder.results)
    reporting.make([folder], folder.report, only=["corruption_table"], formats=["md", "csv"])
    assert {p.name for p in folder.report.iterdir()} == {"corruption_table.md", "corruption_table.csv"}


def test_unknown_reports_and_formats_are_one_line(folder: Folder) -> None:
    table(TRIALS, folder.results)
    with pytest.raises(UserError, match="there is no report 'accuracy_curv'. Did you mean 'accuracy_curve'"):
        reporting.make([folder], folder.report, only=["accuracy_curv"])
    with pytest.raises(UserError, match="there is no format 'htm' of reports. Did you mean 'html'"):
        reporting.make([folder], folder.report, formats=["htm"])
    assert not folder.report.exists()
