"""What every file of reports/ has to do, on made-up tables of every study that asks for it."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from reports.core.report import Report
from reports.core.style import style
from reports.core.write import FORMATS, write
from study.ledger import results
from study.registry.lookup import find, names
from tests.support import members, population, publish, table, trials

STUDIES = {r: s for s in reversed(names("study")) for r in find("study", s).reports}
NAMES = names("report")


def _variants(name: str, folder: Path) -> dict[str, pd.DataFrame]:
    """A study's table: complete; with one seed; with a trial missing; with no seed that every setting has."""
    some = trials(STUDIES.get(name, "sigma_sweep"), seeds=3)
    if find("report", name).reads == "population":
        some = members(4)
        whole = population(some, folder)
    else:
        whole = table(some, folder)
    configs = list(dict.fromkeys(t.config_id for t in some))
    here = {config: index % 2 for index, config in enumerate(configs)}
    return {
        "complete": whole,
        "one seed": whole[whole["seed"] == 0],
        "a trial missing": whole[whole["trial"] != some[1].key],
        "no seed in common": whole[whole["seed"] == whole["config"].map(here)],
        "one trial": whole[whole["trial"] == some[0].key],
    }


@pytest.mark.parametrize("name", NAMES)
def test_it_works_on_whatever_is_finished(name: str, tmp_path: Path) -> None:
    report: Report = find("report", name)
    for variant, rows in _variants(name, tmp_path).items():
        kept = rows.copy(deep=True)
        points = report.points(rows)
        pd.testing.assert_frame_equal(rows, kept)
        assert not points.empty or variant == "one trial", variant
        if points.empty:
            continue
        computed = points.copy(deep=True)
        shown = report.table(points)
        assert len(shown) and all(isinstance(cell, str) for cell in shown.to_numpy().ravel()), variant
        assert not any("nan" in cell for cell in shown.to_numpy().ravel()), variant
        text = report.caption(points)
        assert text.endswith(".") and not re.search(r"nan|\binf\b", text), variant  # a norm is called Linf
        numbers: dict[str, Any] = report.summary(points) if report.summary else {}
        assert all(type(value) is float and value == value for value in numbers.values()), variant
        if report.draw:
            with style():
                figure = report.draw(points)
            assert isinstance(figure, Figure)
            if variant in ("complete", "no seed in common"):
                figure.savefig(BytesIO())
        pd.testing.assert_frame_equal(points, computed)


@pytest.mark.parametrize("name", NAMES)
def test_without_rows_there_are_no_points_and_no_files(name: str, tmp_path: Path) -> None:
    report: Report = find("report", name)
    training = table(trials("sigma_sweep", seeds=1)[:2], tmp_path)
    for rows in (results.read([]), training[training["benchmark"] == results.TRAINING]):
        assert report.points(rows).empty
        assert write(name, report, rows, tmp_path / "report", FORMATS) == (None, {})
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_table_that_is_not_of_text_alone_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    report: Report = find("report", name)
    rows = _variants(name, tmp_path)["complete"]
    points = report.points(rows)
    shown = report.table(points)
    numbered = shown.set_axis([*shown.columns[:-1], 7], axis=1)
    for what, broken in (
        ("0.25 of type float in its column 'Extra'", shown.assign(Extra=0.25)),
        ("None of type NoneType in its column 'Extra'", shown.assign(Extra=None)),
        ("7 of type int in its column 7", numbered),
    ):
        with pytest.raises(TypeError, match=f"the table of the report '{name}' has {what}"):
            changed = replace(report, points=lambda _: points, table=lambda _, table=broken: table)
            write(name, changed, rows, tmp_path / "broken", ("md",))
    assert not (tmp_path / "broken").exists()


@pytest.mark.parametrize("name", NAMES)
def test_it_says_that_it_reads_the_headline_benchmark_exactly_if_it_does(name: str, tmp_path: Path) -> None:
    """Half of the trials get a published benchmark: numbers that change are of the marked rows, and need a sentence."""
    report: Report = find("report", name)
    if report.reads == "population":
        return
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


@pytest.mark.parametrize("name", NAMES)
def test_rows_in_another_order_change_nothing_but_order(name: str, tmp_path: Path) -> None:
    report: Report = find("report", name)
    rows = _variants(name, tmp_path)["complete"]
    points, shuffled = (_sorted(report.points(some)) for some in (rows, rows.sample(frac=1, random_state=0)))
    pd.testing.assert_frame_equal(points, shuffled, rtol=0, atol=1e-9)


def _sorted(points: pd.DataFrame) -> pd.DataFrame:
    """The numbers, ordered by the whole ones first; others are rounded there, since order moves a sum's last digit."""
    numbers = points.select_dtypes("number")
    whole = sorted(numbers, key=lambda name: numbers[name].dtype.kind == "f")
    return numbers.sort_values(whole, key=lambda column: column.round(6), ignore_index=True)


def test_there_are_reports() -> None:
    assert {"accuracy_curve", "corruption_table"} <= set(NAMES)
