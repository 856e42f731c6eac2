"""A study's report from its directory, whatever state it is in."""

import html
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest

from study.errors import UserError
from study.ledger.candidates import Candidate
from study.ledger.folder import Folder, write_json
from study.ledger.state import State
from study.registry.lookup import adopt
from study.reporting import make as reporting
from tests.support import members, population, table, trials

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
    table(TRIALS[:-2], folder.trials_path)
    write_json(folder.trial(TRIALS[-1].key).mark(State.FAILED), {"reason": "out of memory"})
    (folder.trial(TRIALS[-2].key).path / "result.parquet.1.tmp").write_bytes(b"half")
    sections, summary, *_ = reporting.make([folder], folder.report)
    assert [s.name for s in sections] == ["accuracy_curve", "corruption_table"] and "best_sigma.corruption" in summary
    text = (folder.report / "index.html").read_text(encoding="utf-8")
    assert f"1 of {len(TRIALS)} trials has no result yet: {TRIALS[-2].label}, seed {TRIALS[-2].seed}." in text
    assert f"{TRIALS[-1].label}, seed {TRIALS[-1].seed}: out of memory" in text
    assert f"{len(TRIALS) - 2} finished of {len(TRIALS)}" in text


def test_a_trial_that_two_studies_share_is_not_missing(folder: Folder, tmp_path: Path) -> None:
    other = Folder(tmp_path / "other")
    other.claim("sigma_sweep", "id2", TRIALS[1:], FACTS)
    for each, of in ((folder, TRIALS), (other, TRIALS[1:])):
        table(of, each.trials_path)
    findings = reporting.make([folder, other], tmp_path / "both", only=["corruption_table"]).findings
    assert "missing" not in findings["digits"].unsettled


def test_the_page_links_each_setting_to_its_files_and_its_runs(folder: Folder, tmp_path: Path) -> None:
    table(TRIALS, folder.trials_path)
    record = folder.read()
    folder.write_json(folder.path / "study.json", {**record, "tracking_uri": "https://host.example"})
    folder.write_json(folder.mlflow, {"experiment": "7", "parent": "p1"})
    output = tmp_path / "a b" / "report"
    reporting.make([folder], output, only=["corruption_table"], formats=["html"])
    text = (output / "index.html").read_text(encoding="utf-8")
    links = [html.unescape(link) for link in re.findall(r'href="([^"#][^"]*)"', text)]
    files = [output / unquote(link) for link in links if "/trials/" in link]
    labels = list(dict.fromkeys(t.label for t in TRIALS))
    keys = [t.key for label in labels for t in TRIALS if t.label == label]
    assert [path.resolve().name for path in files] == keys and all(path.is_dir() for path in files)
    runs = [parse_qs(link.partition("?")[2])["searchFilter"][0] for link in links if link.startswith("https://")]
    assert [run for run in runs if "setting" not in run] == ["tags.`mlflow.parentRunId` = 'p1'"]
    assert [run.split("= ")[-1] for run in runs if "setting" in run] == [f"'{label}'" for label in labels]


def test_one_report_in_some_formats(folder: Folder) -> None:
    table(TRIALS, folder.trials_path)
    reporting.make([folder], folder.report, only=["corruption_table"], formats=["md", "csv"])
    assert {p.name for p in folder.report.iterdir()} == {"corruption_table.md", "corruption_table.csv"}


def test_figures_have_the_width_of_the_venue(folder: Folder) -> None:
    table(TRIALS, folder.trials_path)
    for venue, points in ((None, 5.5 * 72), ("cvpr", 6.875 * 72)):
        reporting.make([folder], folder.report, only=["trade_off"], formats=["pdf"], venue=venue)
        assert b"/MediaBox [ 0 0 %g " % points in (folder.report / "trade_off.pdf").read_bytes()


def test_unknown_reports_formats_and_venues_are_one_line(folder: Folder) -> None:
    table(TRIALS, folder.trials_path)
    with pytest.raises(UserError, match="there is no report 'accuracy_curv'. Did you mean 'accuracy_curve'"):
        reporting.make([folder], folder.report, only=["accuracy_curv"])
    with pytest.raises(UserError, match="there is no format 'htm' of reports. Did you mean 'html'"):
        reporting.make([folder], folder.report, formats=["htm"])
    with pytest.raises(UserError, match="--venue: there is no venue 'nips'.*Valid: neurips"):
        reporting.make([folder], folder.report, venue="nips")
    assert not folder.report.exists()


def test_each_dataset_has_its_own_reports(folder: Folder, tmp_path: Path) -> None:
    table(TRIALS, folder.trials_path)
    other = Folder(tmp_path / "other")
    moved = [replace(t, data="my/mnist") for t in TRIALS]
    other.claim("sigma_sweep", "id", moved, {**FACTS, "data": "my/mnist"})
    table(moved, other.trials_path)
    sections, summary, *_ = reporting.make([folder, other], tmp_path / "both")
    names = ["accuracy_curve_digits", "accuracy_curve_my_mnist"]
    assert [s.name for s in sections if s.name.startswith("accuracy")] == names and len(sections) == 4
    assert sections[0].title == "Accuracy versus sigma (digits)" and (tmp_path / "both" / f"{names[1]}.csv").exists()
    assert {"best_sigma.corruption.digits", "best_sigma.corruption.my_mnist"} <= set(summary)
    alone, _, *_ = reporting.make([folder], tmp_path / "one")
    assert alone[0].name == "accuracy_curve" and alone[0].title == "Accuracy versus sigma"
    assert alone[0].table.equals(sections[0].table) and alone[0].caption == sections[0].caption


def test_each_search_and_population_has_its_own_reports(tmp_path: Path) -> None:
    folders = [Folder(tmp_path / name) for name in "ab"]
    configs = list(dict.fromkeys(t.config_id for t in TRIALS))
    for folder, chosen in zip(folders, (configs[:2], configs[2:4]), strict=True):
        folder.claim("sigma_sweep", "id", [], {**FACTS, "reports": ["search_parallel", "population_schedules"]})
        for number, config in enumerate(chosen):
            some = [t for t in TRIALS if t.config_id == config]
            Candidate(number, number, {}, tuple(some)).write(folder)
            table(some, folder.trials_path, state=State.VALIDATED)
        population(members(4), folder.population)
    sections, _, *_ = reporting.make(folders, tmp_path / "both", formats=["csv", "html"])
    kinds = ("search_parallel", "population_schedules")
    assert [s.name for s in sections if s.name.startswith(kinds)] == [
        f"{kind}_{name}" for kind in kinds for name in "ab"
    ]
    assert sections[-1].title.endswith("(b)")


def test_parts_whose_names_are_the_same_in_files_are_numbered() -> None:
    assert reporting.suffixes(["a"]) == [""]
    assert reporting.suffixes(["a on b", "c"]) == ["_a_on_b", "_c"]
    assert reporting.suffixes(["a/b", "a b"]) == ["_1_a_b", "_2_a_b"]


def test_a_users_report_is_asked_for_by_its_name(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from reports.corruption_table import REPORT\n")
    name = adopt("report", str(tmp_path / "mine.py"))
    record = folder.read()
    folder.write_json(folder.path / "study.json", {**record, "reports": [name]})
    table(folder.trials(), folder.trials_path)
    made = reporting.make([folder], tmp_path / "out", only=["mine"], formats=["md"])
    assert [section.name for section in made.sections] == ["mine"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.md"]
