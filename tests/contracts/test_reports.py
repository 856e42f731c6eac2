"""Every report of reports/ keeps the contract, on made-up tables of a study that asks for it; the checks ship in the
package.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from reports.core.report import Report
from reports.core.write import write
from study.ledger import results
from study.plan.contracts.core.findings import Entry
from study.plan.contracts.made_up import trials
from study.plan.contracts.reports import CHECKS
from study.registry.lookup import find, names
from tests.support import publish, table

STUDIES = {r: s for s in reversed(names("study")) for r in find("study", s).reports}
NAMES = names("report")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str, check: str) -> None:
    some = trials(STUDIES.get(name, "sigma_sweep"), seeds=3)
    assert CHECKS[check](Entry(name, find("report", name), trials=some)) is None


def test_there_are_reports() -> None:
    assert {"accuracy_curve", "corruption_table"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_that_is_not_of_text_alone_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    report: Report = find("report", name)
    rows, points = table(trials("sigma_sweep", seeds=1)[:2], tmp_path), pd.DataFrame({"x": [1.0]})
    shown = pd.DataFrame({"Training": ["GNT"], "Last": ["1"]})
    for what, broken in (
        ("0.25 of type float in its column 'Extra'", shown.assign(Extra=0.25)),
        ("None of type NoneType in its column 'Extra'", shown.assign(Extra=None)),
        ("7 of type int in its column 7", shown.set_axis(["Training", 7], axis=1)),
    ):
        with pytest.raises(TypeError, match=f"the table of the report '{name}' has {what}"):
            changed = replace(report, points=lambda _: points, table=lambda _, table=broken: table)
            write(name, changed, rows, tmp_path / "broken", ("md",))
    assert not (tmp_path / "broken").exists()


@pytest.mark.parametrize("name", [name for name in NAMES if find("report", name).reads in ("results", "validation")])
def test_it_says_that_it_reads_the_headline_benchmark_exactly_if_it_does(name: str, tmp_path: Path) -> None:
    """Half of the trials get a published benchmark: numbers that change are of the marked rows, and need a sentence."""
    report: Report = find("report", name)
    some = trials(STUDIES.get(name, "sigma_sweep"), seeds=2)
    rows = table(some, tmp_path)
    for trial in some[::2]:
        publish(trial, tmp_path)
    mixed = results.read(tmp_path / trial.key / "result.parquet" for trial in some)
    other = mixed.assign(headline=mixed["headline"].where(mixed["benchmark"] != "cifar-10-c", False))
    other["headline"] |= other["benchmark"] == "common"
    points, others = (report.points(part).drop(columns="shown", errors="ignore") for part in (mixed, other))
    assert points.equals(others) != report.headline
    section, _ = write(name, report, mixed, tmp_path / "report", ("md",))
    plain, _ = write(name, report, rows, tmp_path / "report", ("md",))
    assert section is not None and plain is not None
    assert ("not all of one benchmark but of cifar-10-c" in section.caption) is report.headline
    assert section.caption.endswith(".") and "not all of one benchmark" not in plain.caption
