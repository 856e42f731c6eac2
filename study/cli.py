"""The command line: parse, call one function, print."""

import json
import sys
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from study.errors import UserError
from study.ledger.files import check_writable
from study.ledger.folder import Folder
from study.ledger.uri import absolute, mask
from study.plan.options import Options
from study.terminal import data_commands
from study.terminal.command_line import (
    EXAMPLES,
    Assignments,
    DataRoot,
    Directory,
    DryRun,
    StudyName,
    assigned,
    console,
    with_options,
)
from study.terminal.environment import settle

if TYPE_CHECKING:
    from study.plan.planning import Plan

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Studies of noise training: which noise, how much of it, makes a classifier robust, and how sure are we?\n\n"
    "Start with `study launch sigma_sweep`: real data is embedded, and a laptop needs a minute or two.",
)
app.add_typer(data_commands.app, name="data")


AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


def _version(value: bool) -> None:
    if value:
        console.print(f"noise-study {metadata.version('noise-study')}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)] = (
        False
    ),
) -> None:
    """Runs before each command."""


@app.command("list")
def list_names(
    kind: Annotated[
        str,
        typer.Argument(help="studies, methods, models, datasets, metrics, reports or corruptions."),
    ] = "studies",
    as_json: AsJson = False,
) -> None:
    """Lists the studies that can be launched, or what else there is by name."""
    from study.terminal.entries import show_list  # noqa: PLC0415

    show_list(kind, console, as_json=as_json)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="A name that `study list` has, also as KIND:NAME, or a .py file with a STUDY.")
    ],
    as_json: AsJson = False,
) -> None:
    """Shows a study: its space, its trials, what it costs; or a method, model, dataset, ...: its parameters."""
    from study.registry.sources import is_source  # noqa: PLC0415
    from study.terminal import entries  # noqa: PLC0415

    kind, name = ("study", name) if is_source(name) else entries.kind_of(name)
    if kind != "study":
        entries.show_entry(kind, name, console, as_json=as_json)
    elif as_json:
        console.print_json(json.dumps(entries.study_fields(name)))
    else:
        from study.terminal.show import describe  # noqa: PLC0415

        describe(name, console)


def launch(name: StudyName, *, changes: dict[str, Any], dry_run: DryRun = False) -> None:
    """Launches a study, or continues it: what is finished is not trained again. Ends with a table and a report."""
    from study.plan.planning import plan  # noqa: PLC0415

    _run(plan(name, Options(**changes), thorough=dry_run), dry_run)


def resume(directory: Directory, *, changes: dict[str, Any], dry_run: DryRun = False) -> None:
    """Continues a study from its directory alone, as it was launched; options given here replace the launch's.

    What is finished is not trained again, what was interrupted goes on from where it was stored last, and what failed
    is tried again.
    """
    from study.plan import planning  # noqa: PLC0415

    _run(planning.resume(directory, changes, thorough=dry_run), dry_run)


app.command(epilog=EXAMPLES)(with_options(launch))
app.command()(with_options(resume, resumable=True))


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE_OR_MODULE", help="A .py file, or a module: my_package.module.")],
    data_root: DataRoot = None,
    assign: Assignments = None,
) -> None:
    """Checks a method, model, dataset, metric, report or study of your own: whether the platform can rely on it.

    The file defines METHOD, MODEL, DATASET, METRIC, REPORT or STUDY, or several of them. One line says what is wrong.
    """
    from study.plan.contracts.user_file import verdicts  # noqa: PLC0415  torch takes seconds
    from study.terminal.verdicts import show_verdicts  # noqa: PLC0415

    checked = verdicts(file, data_root, assigned(assign))
    show_verdicts(checked, console)
    raise typer.Exit(1 if any(verdict.wrong for verdict in checked) else 0)


@app.command()
def status(
    directory: Directory,
    watch: Annotated[bool, typer.Option("--watch", help="Show the launch's live board until it ends.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")] = False,
) -> None:
    """Says how far a study is: also while it runs, from another terminal."""
    from study.terminal import status as showing  # noqa: PLC0415

    folder = Folder(directory.absolute())
    if as_json:
        print(json.dumps(showing.facts(folder), indent=1))
        return
    if watch:
        showing.watch(folder, console)
    showing.show(folder, console)


@app.command()
def report(
    directories: Annotated[
        list[Path] | None, typer.Argument(metavar="DIRECTORY", help="Directories of studies; several are joined.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Reports to make, comma-separated: any of the folder reports/.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="Formats, comma-separated.")] = "html,md,tex,csv,png,svg,pdf",
    x: Annotated[str | None, typer.Option("--x", help="Numeric parameter on the axis of accuracy_curve.")] = None,
    venue: Annotated[
        str | None,
        typer.Option(
            help="Whose widths, sizes and letters figures have: neurips, icml, iclr, cvpr or thesis. "
            "Without it they fit a text of 5.5 in and a column of 3.25 in."
        ),
    ] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="Also a kit for a paper, paper/ and paper.zip: LaTeX that fits its columns.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the report; DIRECTORY/report, or ./report of several.")
    ] = None,
    from_mlflow: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="URI EXPERIMENT", help="Read the tables back from MLflow; the directory may be gone."),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Which study of the experiment: start of its identity or run ID; else the latest."),
    ] = None,
) -> None:
    """Makes the report of studies again from their tables: figures, tables for papers, one HTML page.

    Works while a study runs, with what is finished. Several studies in one report: `study report DIR DIR`.
    """
    from study.reporting.make import make  # noqa: PLC0415
    from study.terminal.show import reported  # noqa: PLC0415

    folders = [Folder(directory.absolute()) for directory in directories or ()]
    if not folders and from_mlflow is None:
        raise UserError("study report takes the directory of a study, as `study launch` named it, or --from-mlflow")
    with TemporaryDirectory() as scratch:
        here = folders[0].report if len(folders) == 1 and from_mlflow is None else Path("report")
        if from_mlflow is not None:
            from study.tracking.restore import restore  # noqa: PLC0415  mlflow takes seconds

            folders.append(restore(*from_mlflow, run, Path(scratch)))
        output = (output or here).absolute()
        made = make(folders, output, only=_names(only), formats=_names(form), x=x, venue=venue, paper=paper)
        reported(made, output, console)


@app.command()
def ui(
    directory: Directory,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Interface to listen on.")] = "127.0.0.1",
) -> None:
    """Opens MLflow's UI for a study's store and prints the link that compares exactly this study's runs."""
    from study.tracking.ui import serve  # noqa: PLC0415

    serve(directory, host, port, console)


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="trials/KEY/checkpoint.pt of a study, or a plain state dict.")],
    on: Annotated[
        str, typer.Option(help="Metrics, comma-separated; see the folder study/evaluation.")
    ] = "clean,corruption",
    data: Annotated[str | None, typer.Option(help="Dataset, instead of the study's own.")] = None,
    data_root: DataRoot = None,
    model: Annotated[str | None, typer.Option(help="Model, instead of the study's own.")] = None,
    assign: Assignments = None,
    device: Annotated[str, typer.Option(help="Where to compute: cpu or cuda.")] = "cpu",
    tracking_uri: Annotated[str | None, typer.Option(help="MLflow server or store.")] = None,
    output: Annotated[Path | None, typer.Option(help="CSV file for all rows.")] = None,
) -> None:
    """Measures any saved model and logs it to MLflow.

    A metric's options are set by its name: `--on flips --set flips.every=4`. Published benchmarks:
    `--on official_corruption --set official_corruption.folder=CIFAR-10-C --set official_corruption.layout=cifar-10-c`.
    """
    from study.terminal.show import measured  # noqa: PLC0415
    from study.tracking.client import TRACKING_ERRORS
    from study.tracking.runs import log_evaluation  # noqa: PLC0415
    from study.work import evaluate as evaluating  # noqa: PLC0415

    if output is not None:
        check_writable(output)
    values = assigned(assign)
    subject = evaluating.subject(checkpoint, data=data, model=model, values=values, data_root=data_root, device=device)
    if subject.removed:
        console.print(f"{checkpoint}: weights found under {subject.removed}", markup=False, soft_wrap=True)
    rows = evaluating.measure(subject, _names(on), values)
    measured(rows, output, console)
    uri = absolute(tracking_uri or "sqlite:///studies/mlflow.db")
    try:
        run = log_evaluation(uri, subject.name, {"checkpoint": str(checkpoint), "on": on, **values}, rows)
    except TRACKING_ERRORS as error:
        raise UserError(f"measured, but not logged to {mask(uri)}: {' '.join(str(error).split())}") from None
    console.print(f"MLflow run {run} of experiment 'evaluations' in {mask(uri)}", soft_wrap=True)


def main() -> None:
    """Runs the command line; a user's mistake is one line and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what the terminal's encoding lacks becomes a question mark
            stream.reconfigure(errors="replace")
    try:
        settle()
        app()
    except UserError as error:
        Console(stderr=True, highlight=False).print(f"error: {mask(str(error))}", markup=False, soft_wrap=True)
        sys.exit(2)


def _run(plan: "Plan", dry_run: bool) -> None:
    from study import launch as launching  # noqa: PLC0415
    from study.ledger.progress import begin  # noqa: PLC0415
    from study.terminal import show as showing  # noqa: PLC0415
    from study.terminal.panel import Display  # noqa: PLC0415

    for sentence in plan.space.said:
        console.print(sentence, markup=False, soft_wrap=True)
    if dry_run:
        showing.trials(plan, console)
        return
    try:
        with Display(console, plan.folder, begin(plan.folder, plan.study, plan.name)) as display:
            outcome = launching.launch(plan, display)
    except KeyboardInterrupt:  # before there was anything to end in order
        showing.stopped(plan, console)
        raise typer.Exit(130) from None
    showing.outcome(outcome, console)
    raise typer.Exit(130 if outcome.interrupted else 0 if outcome.complete else 1)


def _names(text: str | None) -> list[str]:
    """Returns the names of a comma-separated list."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]
