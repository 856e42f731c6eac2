"""The contract of a report, see `reports.core.report.Report`. Checked on made-up tables, complete and with gaps."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from matplotlib.figure import Figure

from reports.core.report import Report
from reports.core.style import style
from reports.core.write import FORMATS, write
from study.evaluation.rows import Row
from study.ledger import results
from study.ledger.trial import Trial
from study.plan.contracts.core.findings import ContractError, Entry, Remark, named, require, require_type
from study.plan.contracts.made_up import correct, members, population, race, table, trials
from study.registry.lookup import names

COMPLETE, ONE_TRIAL, OF_A_SEARCH = "complete", "one trial", "of a search"
SAVED = (COMPLETE, "no seed in common")
"""Tables of which the figure is saved, which takes longest."""
READS = ("results", "validation", "population", "correct", "race")
UNTRIED = "no row of the made-up tables fits it, so that not all was tried; `study launch STUDY --dry-run` does more"
_tables: dict[tuple[object, ...], pd.DataFrame] = {}
"""Made-up tables, by what they are made of."""
_points: dict[tuple[object, ...], dict[str, pd.DataFrame]] = {}
"""Points of every variant, by the report and what its table is made of: some take seconds."""


def form(entry: Entry) -> None:
    """REPORT is a Report, and reads rows that there are."""
    right = "Report(title=..., points=..., table=..., caption=...) of reports.core.report is right"
    require(isinstance(entry.target, Report), f"it is of type {type(entry.target).__name__}; {right}")
    reads = entry.target.reads
    require(reads in READS, f"it reads {reads!r}; one of {', '.join(READS)} is right")


def points(entry: Entry) -> Remark | None:
    """`points` computes numbers of whatever is finished, and leaves the rows as they are."""
    fits = []
    for variant, rows in _variants(entry).items():
        before = rows.copy(deep=True)
        computed = entry.target.points(rows)
        is_frame = isinstance(computed, pd.DataFrame)
        require(is_frame, f"points returns an object of type {type(computed).__name__}; a pandas.DataFrame is right")
        _require_equal(rows, before, "points writes the rows that it is given; copy them first")
        fits += [] if computed.empty else [variant]
    if COMPLETE not in fits:
        return UNTRIED
    gaps = [variant for variant in _variants(entry) if variant not in (*fits, ONE_TRIAL)]
    return f"its points are empty for a table with gaps: {', '.join(gaps)}" if gaps else None


def table_of_text(entry: Entry) -> None:
    """`table` returns text in every cell, without a missing number, and leaves the points as they are."""
    for variant, computed in _computed(entry):
        before = computed.copy(deep=True)
        shown = entry.target.table(computed)
        require_type(shown, pd.DataFrame, "table returns an object", "a pandas.DataFrame")
        require(len(shown) > 0, f"table has no row where points has some (a table that is {variant})")
        for cell in shown.to_numpy().ravel():
            require(
                isinstance(cell, str), f"table has a {type(cell).__name__} in a cell; text is right, as print shows it"
            )
            require("nan" not in cell, f"table shows {cell!r} (a table that is {variant}); leave missing cells empty")
        _require_equal(computed, before, "table writes the points that it is given; copy them first")


def caption(entry: Entry) -> None:
    """`caption` returns sentences, without a missing or an infinite number."""
    for variant, computed in _computed(entry):
        text = entry.target.caption(computed)
        require_type(text, str, "caption returns an object", "text")
        require(text.endswith("."), f"the caption {text[-40:]!r} does not end with a full stop")
        wrong = re.search(r"nan|\binf\b", text)  # a norm is called Linf
        require(wrong is None, f"the caption shows {wrong and wrong[0]} (a table that is {variant})")


def summary(entry: Entry) -> None:
    """`summary`, where there is one, returns name -> number."""
    if entry.target.summary is None:
        return
    for variant, computed in _computed(entry):
        for name, value in entry.target.summary(computed).items():
            right = type(value) is float and value == value
            require(right, f"summary[{name!r}] is {value!r} (a table that is {variant}); a float is right")


def figure(entry: Entry) -> None:
    """`draw`, where there is one, returns a figure that can be saved, and leaves the points as they are."""
    if entry.target.draw is None:
        return
    for variant, computed in _computed(entry):
        before = computed.copy(deep=True)
        with style():
            drawn = entry.target.draw(computed)
        require_type(drawn, Figure, "draw returns an object", "a matplotlib Figure")
        if variant in SAVED:
            drawn.savefig(BytesIO())
        _require_equal(computed, before, "draw writes the points that it is given; copy them first")


def nothing_of_no_rows(entry: Entry) -> None:
    """Without rows, or without rows of measurements, there are no points and no files."""
    with TemporaryDirectory() as scratch:
        training = _made_up(trials("sigma_sweep", seeds=1)[:2])
        folder = Path(scratch) / "report"
        for rows in (results.read([]), training[training["benchmark"] == results.TRAINING]):
            empty = entry.target.points(rows).empty
            require(empty, "points has rows where nothing was measured; an empty pandas.DataFrame is right")
            written = write(entry.name, entry.target, rows, folder, FORMATS)
            require(written == (None, {}) and not folder.exists(), "files are written where nothing was measured")


def order_of_rows(entry: Entry) -> None:
    """Rows in another order change nothing but the order of the points."""
    rows = _variants(entry)[COMPLETE]
    one, two = (_sorted(entry.target.points(some)) for some in (rows, rows.sample(frac=1, random_state=0)))
    try:
        pd.testing.assert_frame_equal(one, two, rtol=0, atol=1e-9)
    except AssertionError as error:
        reason = " ".join(str(error).split())[:160]
        raise ContractError(f"points of rows in another order have other values: {reason}") from error


def _variants(entry: Entry) -> dict[str, pd.DataFrame]:
    """Returns name -> table: complete; with one seed; with a trial missing; with no seed that every setting has."""
    if entry.target.reads == "population":
        some: Sequence[Trial] = members(4)
        whole = _made_up(some, of_population=True)
    else:
        some, whole = _fitting(entry)
    if entry.target.reads == "race":
        return {COMPLETE: race(some)}
    if entry.target.reads == "correct":
        whole = correct(whole)
    configs = list(dict.fromkeys(t.config_id for t in some))
    here = {config: index % 2 for index, config in enumerate(configs)}
    listed = {
        COMPLETE: whole,
        "one seed": whole[whole["seed"] == 0],
        "a trial missing": whole[whole["trial"] != some[min(1, len(some) - 1)].key],
        "no seed in common": whole[whole["seed"] == whole["config"].map(here)],
        ONE_TRIAL: whole[whole["trial"] == some[0].key],
    }
    if entry.target.reads == "validation":
        numbers = whole["config"].map({config: index for index, config in enumerate(configs)})
        listed[OF_A_SEARCH] = whole.assign(candidate=numbers, chosen=numbers == 0)
    return {variant: rows for variant, rows in listed.items() if len(rows)}


def _fitting(entry: Entry) -> tuple[Sequence[Trial], pd.DataFrame]:
    """Returns trials and their table: the entry's own, or those of the first study that comes with the package of
    which the report shows something.
    """
    if entry.trials:
        return entry.trials, _made_up(entry.trials, entry.measured)
    for name in ("sigma_sweep", *names("study")):
        rows = _made_up(_of_study(name), entry.measured)
        if entry.target.reads in ("correct", "race"):
            return _of_study(name), rows
        if not entry.target.points(rows).empty:
            return _of_study(name), rows
    return _of_study("sigma_sweep"), _made_up(_of_study("sigma_sweep"), entry.measured)


@cache
def _of_study(name: str) -> list[Trial]:
    return trials(name, seeds=3)


def _made_up(some: Sequence[Trial], measured: Sequence[Row] = (), *, of_population: bool = False) -> pd.DataFrame:
    """Returns the trials' made-up table, a copy; it is made once."""
    key = (of_population, *(trial.key for trial in some), *measured)
    if key not in _tables:
        with TemporaryDirectory() as scratch:
            folder = Path(scratch)
            _tables[key] = population(some, folder) if of_population else table(some, folder, measured=measured)
    return _tables[key].copy()


def _computed(entry: Entry) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yields the points of each table that has some, as a copy."""
    key = (entry.target, *(trial.key for trial in entry.trials), *entry.measured)
    if key not in _points:
        _points[key] = {variant: entry.target.points(rows) for variant, rows in _variants(entry).items()}
    for variant, computed in _points[key].items():
        if not computed.empty:
            yield variant, computed.copy()


def _require_equal(now: pd.DataFrame, before: pd.DataFrame, message: str) -> None:
    try:
        pd.testing.assert_frame_equal(now, before)
    except AssertionError as error:
        raise ContractError(message) from error


def _sorted(points: pd.DataFrame) -> pd.DataFrame:
    """Returns the numbers, ordered by the whole ones first; others are rounded there, since order moves a sum's last
    digit.
    """
    numbers = points.select_dtypes("number")
    whole = sorted(numbers, key=lambda name: numbers[name].dtype.kind == "f")
    return numbers.sort_values(whole, key=lambda column: column.round(6), ignore_index=True)


CHECKS = named(form, points, table_of_text, caption, summary, figure, nothing_of_no_rows, order_of_rows)
