"""Makes reports from study directories: needs neither Ray, torch nor MLflow."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from reports.core.gain_data import gain_data
from reports.core.page import page
from reports.core.paper import kit
from reports.core.report import Report
from reports.core.significance import at_level
from reports.core.study_conclusion import Findings, findings, printed_numbers, wanted_seeds
from reports.core.style import VENUES, at_venue
from reports.core.write import FORMATS, Section, write
from reports.paired_gain import REPORT as GAINS
from reports.setting_accuracies import REPORT as ACCURACIES
from reports.training_curves import REPORT as CURVES
from study.errors import UserError
from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import short
from study.registry import sources as code
from study.registry.lookup import find, names, suggest
from study.reporting import directories as gather
from study.reporting.about import about
from study.reporting.directories import Source
from study.reporting.next_step import next_steps

if TYPE_CHECKING:
    import pandas as pd


class Made(NamedTuple):
    """Reports: their sections, the numbers that stand for the studies, the studies as they stood, and what they say.

    findings: dataset -> sentences.
    """

    sections: list[Section]
    summary: dict[str, float]
    sources: list[Source]
    findings: dict[str, Findings]


def make(
    folders: Sequence[Folder],
    output: Path,
    *,
    only: Sequence[str] = (),
    formats: Sequence[str] = FORMATS,
    x: str | None = None,
    venue: str | None = None,
    paper: bool = False,
) -> Made:
    """Makes the reports of one or more studies into `output`, of several datasets or searches each its own.

    What is apart: `gather.parts`. only: names of reports, whoever's they are; the studies' own if not given. x: the
    parameter on the axis of the reports that have one to choose. venue: where the figures are to be printed
    (`reports.core.style.VENUES`). paper: also the kit for a paper (`reports.core.paper`), in paper/ of `output`.
    Works on what is finished, also while studies run.
    Raises UserError when nothing is, and for an unknown report, format, parameter or venue, before anything is written.
    """
    for form in formats:
        if form not in FORMATS:
            raise UserError(f"there is no format {form!r} of reports.{suggest(form, FORMATS)}")
    if venue is not None and venue not in VENUES:
        raise UserError(f"--venue: there is no venue {venue!r}.{suggest(venue, VENUES)}")
    if paper:
        formats = [*formats, *({"pdf"} - set(formats))]
    sources = [gather.look(folder) for folder in dict.fromkeys(folders)]
    named = list(dict.fromkeys(name for source in sources for name in source.record["reports"]))
    own = {short(name): name for name in named}
    wanted = [own.get(name, name) for name in dict.fromkeys(only)] or named
    for folder in folders:
        code.use(folder.code)
    reports: dict[str, Report] = {short(name): find("report", name) for name in wanted}
    kinds = {"results", *(report.reads for report in reports.values())}
    parts = {kind: gather.parts(sources, kind) for kind in sorted(kinds)}
    if not any(parts.values()):
        gather.rows(sources)  # says that there is nothing
    if x is not None:
        reports = _along(x, reports, list(parts["results"].values()))
    level = min(source.level for source in sources)
    sections: list[Section] = []
    summary: dict[str, float] = {}
    for name, report in reports.items():
        for suffix, part, each in _apart(report, parts[report.reads]):
            with at_level(level), at_venue(venue):
                section, numbers = write(f"{name}{suffix}", each, part, output, formats)
            sections += [section] if section else []
            summary |= {f"{key}{suffix.replace('_', '.', 1)}": number for key, number in numbers.items()}
    with at_level(level):
        seconds = _seconds(sources)
        said = _findings(sources, parts["results"], seconds)
        seeds = {data: more for data, rows in parts["results"].items() if (more := wanted_seeds(rows))}
        if paper:
            kit(output / "paper", sections, _numbers(parts["results"], said))
        shown = sections if only or "html" not in formats else _whole(sections, parts["results"], output)
    if "html" in formats:
        steps = next_steps(sources, seeds, seconds)
        page(output / "index.html", shown, {**about(sources, output), "findings": said, "steps": steps})
    return Made(sections, summary, sources, said)


def _whole(sections: Sequence[Section], results_on: "dict[str, pd.DataFrame]", output: Path) -> list[Section]:
    """Returns the sections of a page: settings seed by seed first, those of the reports, and how training went."""

    def section(name: str, report: Report, rows: "pd.DataFrame") -> Section | None:
        return write(name, report, rows, output, ("html",))[0]

    first, last = [], []
    for (suffix, rows, gains), (_, _, each) in zip(
        _apart(GAINS, results_on), _apart(ACCURACIES, results_on), strict=True
    ):
        main = section(f"paired_gain{suffix}", gains, rows) or section(f"setting_accuracies{suffix}", each, rows)
        first += [replace(main, live=gain_data(rows))] if main else []
    for suffix, rows, curves in _apart(CURVES, results_on):
        training = section(f"training_curves{suffix}", curves, rows)
        last += [training] if training else []
    names = {section.name for section in (*first, *last)}
    return [*first, *(section for section in sections if section.name not in names), *last]


def _seconds(sources: Sequence[Source]) -> float:
    """Returns the seconds that a finished trial took, the mean of all; 0 where none is finished."""
    taken = [results.facts(s.folder.trial(t.key).mark(State.FINISHED))["seconds"] for s in sources for t in s.trials
             if s.states[t.key] is State.FINISHED]  # fmt: skip
    return fmean(taken or [0.0])


def _findings(
    sources: Sequence[Source], results_on: "Mapping[str, pd.DataFrame]", seconds: float
) -> dict[str, Findings]:
    """Returns dataset -> what the finished trials on it say. seconds: what a trial takes."""
    said, chosen = {}, all(source.folder.selects for source in sources)
    for data, rows in results_on.items():
        planned = len({t.key for source in sources for t in source.trials if short(t.data) == short(data)})
        if (sentences := findings(rows, planned, seconds, chosen)) is not None:
            said[short(data)] = sentences
    return said


def _numbers(results_on: "Mapping[str, pd.DataFrame]", said: Mapping[str, Findings]) -> dict[str, dict[str, str]]:
    """Returns dataset -> the numbers of its finding and its sentence."""
    return {
        short(data): {**printed_numbers(rows), "Sentence": said[short(data)].wins}
        for data, rows in results_on.items()
        if short(data) in said
    }


def suffixes(parts: Sequence[str]) -> list[str]:
    """Returns what follows a report's name in files and anchors for each part, "" for a single one."""
    if len(parts) == 1:
        return [""]
    safe = [re.sub(r"[^A-Za-z0-9-]+", "_", part).strip("_") for part in parts]
    if len(set(safe)) < len(safe):
        safe = [f"{number}_{name}" for number, name in enumerate(safe, 1)]
    return [f"_{name}" for name in safe]


def _apart(report: Report, parts: "dict[str, pd.DataFrame]") -> "Iterator[tuple[str, pd.DataFrame, Report]]":
    """Yields for each part the suffix of its name, its rows, and the report with the part in its title."""
    for suffix, (name, rows) in zip(suffixes(list(parts)), parts.items(), strict=True):
        yield suffix, rows, replace(report, title=f"{report.title} ({name})") if suffix else report


def _along(x: str, reports: dict[str, Report], parts: "Sequence[pd.DataFrame]") -> dict[str, Report]:
    """Returns the reports, those that have an axis to choose with x on it."""
    if not any(report.along for report in reports.values()):
        able = [name for name in names("report") if find("report", name).along]
        raise UserError(f"--x: none of {', '.join(reports)} has an axis to choose. Those that have: {', '.join(able)}")
    varied = list(dict.fromkeys(name for rows in parts for name in _varied(rows)))
    if x not in varied:
        raise UserError(f"--x: {x!r} is no numeric parameter that varies within an arm.{suggest(x, varied)}")
    return {name: report.along(x) if report.along else report for name, report in reports.items()}


def _varied(rows: "pd.DataFrame") -> list[str]:
    """Returns the parameters of which some arm has several numbers."""
    import pandas as pd  # noqa: PLC0415

    settings = rows.drop_duplicates("config").set_index("arm")
    parameters = gather.parameters(rows)
    numbers = settings[parameters].apply(pd.to_numeric, errors="coerce")
    most = numbers.groupby(level="arm").nunique().max()
    return [name for name in parameters if most[name] > 1]
