"""What the command line prints about studies."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from search_spaces.core.space import Grid
from study.folder import Folder
from study.lookup import find_study
from study.summary import headline

if TYPE_CHECKING:
    from reports.core.write import Section
    from study.launch import Outcome, Plan


def describe(name: str, console: Console) -> None:
    """Prints a study's question, space, trials and cost, and how to launch it."""
    short, study = find_study(name)
    console.print(f"[bold]{short}[/bold]  {study.question}\n")
    table = _table("Arm", "Method", "Space", "Settings")
    for arm in study.arms:
        space = ", ".join(
            f"{k} in {list(v.values)}" if isinstance(v, Grid) else f"{k} = {v}" for k, v in arm.space.items()
        )
        table.add_row(arm.label, arm.method, space or "its defaults", str(len(arm.settings())))
    console.print(table)
    cores = psutil.cpu_count() or 1
    seconds = study.trial_count * study.trial_seconds / cores
    console.print(f"\n{study.trial_count} trials: every setting with {study.seeds} seeds.")
    console.print(f"Dataset {study.data}, model {study.model}; measured: {', '.join(study.evaluate)}.")
    console.print(
        f"About {_duration(seconds)} of training on this machine's {cores} cores, on the study's own dataset."
    )
    console.print(f"\nReports: {', '.join(study.reports)}")
    console.print(f"\n  study launch {name}                      as it is")
    console.print(f"  study launch {name} --seeds 5 --epochs 50")
    console.print(f"  study launch {name} --data mnist --data-root DIR")
    console.print(f"  study launch {name} --set lr=3e-4 --dry-run   all flags: study launch --help")


def trials(plan: "Plan", console: Console) -> None:
    """Prints what a launch would do, trial by trial."""
    table = _table("Trial", "Setting", "Seed", "State")
    for trial in plan.trials:
        table.add_row(trial.key, trial.label, str(trial.seed), plan.folder.state(trial.key))
    console.print(table)
    console.print(
        f"\n{len(plan.trials)} trials of {plan.name} ({plan.identity}) into {plan.folder.path}", soft_wrap=True
    )
    console.print("Nothing was started (--dry-run).")


def outcome(outcome: "Outcome", console: Console) -> None:
    """Prints how a launch ended: tables, the best setting, what failed, and where everything is."""
    plan = outcome.plan
    for made in outcome.sections[:1]:
        section(made, console)
    total = len(plan.trials)
    console.print(f"{outcome.finished} of {total} trials finished in {_duration(outcome.seconds)}.")
    if outcome.failed:
        console.print(
            f"{outcome.failed} failed; `study status {plan.folder.path}` says why.", style="red", soft_wrap=True
        )
    if outcome.interrupted:
        console.print("Stopped early. The same command continues where it stopped.", style="yellow")
    if outcome.sections:
        console.print(f"Report:     {plan.folder.report / 'index.html'}", soft_wrap=True)
    console.print(f"MLflow UI:  study ui {plan.folder.path}", soft_wrap=True)
    if outcome.tracking_error:
        console.print(
            f"MLflow is behind: {outcome.tracking_error}. Nothing is lost; the same command delivers the rest.",
            style="yellow", markup=False, soft_wrap=True,
        )  # fmt: skip


def status(directory: Path, console: Console) -> None:
    """Prints how many trials are in which state, and why failed ones failed."""
    folder = Folder(directory.absolute())
    study = folder.read()
    states = [(trial, folder.state(trial.key)) for trial in folder.trials()]
    console.print(f"[bold]{study['name']}[/bold] on {study['data']} ({study['id']})")
    for state in ("finished", "started", "pending", "failed"):
        console.print(f"  {state:9} {sum(s == state for _, s in states):5}")
    for trial, state in states:
        if state == "failed":
            reason = folder.failure_reason(trial.key)
            console.print(
                f"failed: {trial.label}, seed {trial.seed}: {reason}", style="red", markup=False, soft_wrap=True
            )


def section(made: "Section", console: Console) -> None:
    """Prints a report's table and caption."""
    table = _table(*made.table.columns)
    for row in made.table.itertuples(index=False):
        table.add_row(*row)
    console.print(f"\n[bold]{made.title}[/bold]")
    console.print(table)
    console.print(made.caption, style="dim", markup=False)
    console.print()


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


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
