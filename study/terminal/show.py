"""What the command line prints about studies."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.core.cells import BOLD, is_bold
from search_spaces.core.space import Arm, Dimension, Range, Study
from study.ledger import candidates, files
from study.ledger.folder import RECORD, Folder
from study.ledger.headline import headline
from study.ledger.trial import short as short_name
from study.plan import machine
from study.registry.lookup import find_study
from study.terminal.tables import fitted

SHOWN = 5
"""How many missing trials are named."""

if TYPE_CHECKING:
    from reports.core.study_conclusion import Findings
    from reports.core.write import Section
    from study.launch import Outcome
    from study.plan.planning import Plan
    from study.reporting.make import Made


def describe(name: str, console: Console) -> None:
    """Prints a study's question, space, trials and cost, and how to launch it."""
    short, study, _ = find_study(name)
    console.print(Text.assemble((short, "bold"), f"  {study.question}\n"))
    table = _table("Arm", "Method", "Space", "Settings")
    for arm in study.arms:
        space = ", ".join(
            f"{k} in {_dimension(v)}" if isinstance(v, Dimension) else f"{k} = {v}" for k, v in arm.space.items()
        )
        space = ", ".join(filter(None, [space, f"fine-tunes {arm.parent!r}" if arm.parent else ""]))
        table.add_row(arm.label, arm.method, space or "its defaults", _count(arm))
    console.print(table)
    if not study.selects and any(_ranged(arm) for arm in study.arms):
        console.print("\nIts ranges are for a search: add --search tpe --samples 20")
        return
    cores = machine.cores()
    seconds = study.trial_count * study.trial_seconds / cores
    if study.population:
        console.print(f"\n{_population(study)}", markup=False)
    else:
        console.print(f"\n{study.trial_count} trials: every setting with {study.seeds} seeds.")
    console.print(f"Dataset {study.data}, model {study.model}; measured: {', '.join(study.evaluate)}.")
    console.print(
        f"About {_duration(seconds)} of training on this machine's {cores} cores, on the study's own dataset."
    )
    if not study.selects:
        console.print("What its seeds can tell apart: `study launch` with --dry-run says so.")
    console.print(f"\nReports: {', '.join(study.reports)}")
    if study.parents:
        console.print("\nIt fine-tunes the models of another study. One that has them:")
        console.print(f"  study launch {study.parents} --output PARENTS", soft_wrap=True)
        name = f"{name} --parents PARENTS"
    console.print(f"\n  study launch {name}                      as it is")
    console.print(f"  study launch {name} --seeds 5 --epochs 50")
    console.print(f"  study launch {name} --data mnist --data-root DIR")
    console.print(f"  study launch {name} --set lr=3e-4 --dry-run   all flags: study launch --help")


def trials(plan: "Plan", console: Console) -> None:
    """Prints what a launch would do, trial by trial. Raises UserError where its folder holds something else."""
    plan.folder.check(plan.name, plan.identity)
    if plan.study.selects:
        _searched(plan, console)
        return
    table = _table("Trial", "Setting", "Seed", "State")
    for trial in plan.trials:
        table.add_row(trial.key, trial.label, str(trial.seed), plan.folder.trial(trial.key).test)
    console.print(table)
    console.print(
        f"\n{len(plan.trials)} trials of {plan.name} ({plan.identity}) into {plan.folder.path}", soft_wrap=True
    )
    console.print(_precision(plan.study, short_name(plan.study.data), len(plan.data.test)), markup=False)
    console.print("Nothing was started (--dry-run).")


def _precision(study: Study, data: str, images: int) -> str:
    """Returns what the planned seeds will probably tell apart."""
    from study.reporting.precision import precision  # noqa: PLC0415

    settings = sum(len(arm.settings()) for arm in study.arms)
    return precision(study.seeds, settings, data, images, Path("studies"))


def outcome(outcome: "Outcome", console: Console) -> None:
    """Prints how a launch ended: tables, the best setting, what failed, and where everything is."""
    plan = outcome.plan
    for first in outcome.sections[:1]:
        section(first, console, plan.folder.report)
    findings(outcome.findings, console)
    if outcome.candidates is not None:
        counts = ", ".join(f"{number} {name}" for name, number in sorted(outcome.candidates.items()))
        console.print(f"Candidates: {counts}. Test data is read for the chosen ones alone: {outcome.total} trials.")
        choice(plan.folder, console)
    race(plan.folder, console)
    console.print(f"{outcome.finished} of {outcome.total} trials finished in {_duration(outcome.seconds)}.")
    if outcome.failed:
        console.print(
            f"{outcome.failed} failed; `study status {quote(str(plan.folder.path))}` says why.",
            style="red",
            soft_wrap=True,
        )
    if outcome.interrupted:
        stopped(plan, console)
    if outcome.sections:
        console.print(f"Report:     {plan.folder.report / 'index.html'}", soft_wrap=True)
    console.print(f"MLflow UI:  study ui {quote(str(plan.folder.path))}", soft_wrap=True)
    if outcome.tracking_error:
        console.print(
            f"MLflow is behind: {outcome.tracking_error}. Nothing is lost; `study resume` delivers the rest.",
            style="yellow", markup=False, soft_wrap=True,
        )  # fmt: skip


def findings(findings: Mapping[str, "Findings"], console: Console) -> None:
    """Prints what a study says: what wins, what is not settled, and what its seeds can show."""
    for data, said in findings.items():
        console.print(f"{data}: {said.wins}" if len(findings) > 1 else said.wins, style="bold", markup=False)
        console.print(said.doubt, markup=False)
        console.print(f"{said.outlook}\n" if said.outlook else "", style="dim", markup=False)


def race(folder: Folder, console: Console) -> None:
    """Prints how far a race is, and what it cost."""
    if not folder.race.exists():
        return
    record = files.read_json(folder.race)
    spent: dict[str, int] = {}
    for decision in record["decided"]:
        spent |= {row["config"]: row["seeds"] for row in decision["settings"]}
        gone = [row["label"] for row in decision["settings"] if row["dropped"]]
        left = len(decision["settings"]) - len(gone)
        text = f"round {decision['round']}: {left} left{'; dropped: ' + '; '.join(gone) if gone else ''}"
        console.print(text, markup=False, soft_wrap=True)
    last = record["decided"][-1] if record["decided"] else {"reason": None}
    ended = f"The race is over ({last['reason']})" if last["reason"] else "The race goes on"
    full = len(spent) * max(spent.values(), default=0)
    console.print(f"{ended}: {sum(spent.values())} trials; the full grid with as many seeds has {full}.")


def stopped(plan: "Plan", console: Console) -> None:
    """Prints how a launch that was stopped goes on."""
    line = f"Stopped early. `study resume {quote(str(plan.folder.path))}` continues where it stopped."
    if not (plan.folder.path / RECORD).exists():
        line = "Stopped before anything was stored. Launch again."
    console.print(line, style="yellow", markup=False, soft_wrap=True)


def reported(reports: "Made", output: Path, console: Console) -> None:
    """Prints the reports made, what is not in them, and where they are."""
    for each in reports.sections:
        section(each, console, output)
    findings(reports.findings, console)
    sources = reports.sources
    console.print(f"{sum(s.finished for s in sources)} of {sum(len(s.trials) for s in sources)} trials finished.")
    missing = [name for source in sources for name in source.missing]
    if missing:
        more = f"; and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        text = f"No result yet: {'; '.join(missing[:SHOWN])}{more}."
        console.print(text, style="yellow", markup=False, soft_wrap=True)
    for name, reason in (pair for source in sources for pair in source.failed):
        console.print(f"failed: {name}: {reason}", style="red", markup=False, soft_wrap=True)
    if not reports.sections:
        console.print("No row fits these reports, so there is none.", style="yellow")
    console.print(f"Report: {output}", soft_wrap=True)


def _searched(plan: "Plan", console: Console) -> None:
    """Prints what a search would do."""
    search, study = plan.study.searching, plan.study
    table = _table("Arm", "Method", "Searched")
    for arm in plan.space.arms:
        searched = ", ".join(f"{name} in {_dimension(d)}" for name, d in arm.dimensions().items())
        table.add_row(arm.label, short_name(arm.method), searched or "nothing: one setting")
    console.print(table)
    if search:
        count = "the grid's" if search.algorithm == "grid" else str(search.samples)
        stop = f", stopped early by {study.scheduler.algorithm}" if study.scheduler else ""
        text = f"{search.algorithm} search for {' and '.join(search.objectives)} on the validation split: {count} "
        text += f"candidates, each with {study.seeds} seeds{stop}."
    else:
        text = _population(study)
    console.print(f"\n{text}\n{plan.name} ({plan.identity}) into {plan.folder.path}", markup=False, soft_wrap=True)
    console.print("Nothing was started (--dry-run).")


def _population(study: Study) -> str:
    population = study.population
    assert population is not None
    mutated = ", ".join(f"{name} in {_dimension(d)}" for name, d in population.mutate.items())
    return (
        f"A population of {population.size} by {population.algorithm}: every {population.interval} epochs the worst go "
        f"on from the best on the validation split ({population.objective}). It varies {mutated}. Then the best "
        f"schedule is trained with {study.seeds} seeds, and beside it its mean values, held from the start."
    )


def choice(folder: Folder, console: Console) -> None:
    """Prints what a search chose, with its values on the validation split."""
    chosen = candidates.chosen(folder) or []
    if not chosen:
        return
    record = files.read_json(folder.chosen)
    for candidate, entry in zip(chosen, record["candidates"], strict=True):
        if len(entry) == 1:  # of a population: no member has tried it
            console.print(f"beside it: {candidate.trials[0].label}, from the start", markup=False, soft_wrap=True)
            continue
        values = ", ".join(f"{name} {entry[name]:.1%}" for name in record["objectives"])
        whose = f"member {entry['member']}" if "member" in entry else f"mean of {len(candidate.trials)} seeds"
        text = f"chosen: {candidate.trials[0].label} (validation: {values}; {whose})"
        console.print(text, markup=False, soft_wrap=True)


def _dimension(dimension: Dimension) -> str:
    if isinstance(dimension, Range):
        return f"[{dimension.low:g}, {dimension.high:g}]{' (log)' if dimension.log else ''}"
    return str(list(dimension.values))


def section(report: "Section", console: Console, folder: Path | None = None) -> None:
    """Prints a report's table and caption. folder: of the report, where all columns are if some have no room here."""
    rows = [
        [Text(str(cell).removeprefix(BOLD), "bold" if is_bold(cell) else "") for cell in row]
        for row in report.table.itertuples(index=False)
    ]
    table, hidden = fitted([str(column) for column in report.table.columns], rows, console.width)
    console.print(f"\n{report.title}", style="bold", markup=False)
    console.print(table)
    if hidden:
        where = f": {shlex.quote(str(_whole(report.name, folder)))}" if folder is not None else ""
        text = f"{len(hidden)} more columns ({', '.join(hidden)}) have no room here{where}"
        console.print(text, style="yellow", markup=False, soft_wrap=True)
    console.print(report.caption, style="dim", markup=False)
    console.print()


def _whole(name: str, folder: Path) -> Path:
    """Returns the file of a report's whole table, in the form that is read most easily."""
    files = (folder / f"{name}.{form}" for form in ("md", "tex", "csv"))
    return next((file for file in files if file.exists()), folder)


def measured(rows: list[dict[str, Any]], output: Path | None, console: Console) -> None:
    """Prints what was measured, mean over severities, and writes all rows as CSV if asked."""
    import pandas as pd  # noqa: PLC0415  `study show` does without

    frame = pd.DataFrame(rows)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(output, index=False)
    table = _table("Benchmark", "Family", "Corruption", "Metric", "Mean", "By severity")
    for (benchmark, corruption, metric), group in frame.groupby(["benchmark", "corruption", "metric"], sort=False):
        each = "  ".join(f"{value:.3f}" for value in group["value"]) if len(group) > 1 else ""
        family = group["family"].fillna("").iloc[0]
        table.add_row(benchmark, family, corruption, metric, f"{group['value'].mean():.4f}", each)
    console.print(table)
    for name, value in headline(rows).items():
        console.print(f"{name:22}{value:.4f}")


def _count(arm: Arm) -> str:
    return "any" if _ranged(arm) else str(len(arm.settings()))


def _ranged(arm: Arm) -> bool:
    return any(isinstance(dimension, Range) for dimension in arm.dimensions().values())


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
