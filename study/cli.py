"""The command line: parse, call one function, print."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from study.errors import UserError
from study.lookup import find_study, names
from study.options import parse
from study.overrides import Overrides
from study.uri import mask

if TYPE_CHECKING:
    from study.datasets.core.data import Data

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Studies of noise training: which noise, how much of it, makes a classifier robust, and how sure are we?\n\n"
    "Start with `study launch sigma_sweep`: real data is embedded, and a laptop needs a minute or two.",
)
data_app = typer.Typer(no_args_is_help=True, help="Datasets and the corruption benchmarks made of them.")
app.add_typer(data_app, name="data")
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
StudyName = Annotated[str, typer.Argument(help="A name from `study list`, or a path to a .py file that defines STUDY.")]
Directory = Annotated[Path, typer.Argument(help="The directory of a study, as `study launch` named it.")]

DatasetName = Annotated[str | None, typer.Option("--data", help="Dataset, instead of the study's own.")]
ModelName = Annotated[str | None, typer.Option("--model", help="Model, instead of the study's own.")]
DataRoot = Annotated[Path | None, typer.Option(help="Folder that holds the dataset's files.")]
Benchmark = Annotated[str | None, typer.Option(help="common, extra, mnist or all; by the images if not given.")]
TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow server or store; an SQLite file beside the studies if not given.")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set an option: of the methods, the recipe, `model.*` or `data.*`. In a launch, a key given twice is a "
        "grid: `--set sigma=0.1 --set sigma=0.5`.",
    ),
]


@app.command("list")
def list_studies() -> None:
    """Lists the studies that can be launched."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("Study", "Trials", "Question"):
        table.add_column(column)
    for name in names("study"):
        study = find_study(name)[1]
        table.add_row(name, str(study.trial_count), study.question)
    console.print(table)


@app.command()
def show(name: StudyName) -> None:
    """Shows a study: its space, its trials, what it costs and how to change it."""
    from study.show import describe  # noqa: PLC0415

    describe(name, console)


@app.command()
def launch(
    name: StudyName,
    data: DatasetName = None,
    data_root: DataRoot = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch the dataset if it is missing.")] = False,
    model: ModelName = None,
    assign: Assignments = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Repetitions of every setting.")] = None,
    epochs: Annotated[int | None, typer.Option(min=0, help="Epochs of every trial.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Run only the first so many trials now.")] = None,
    cpus_per_trial: Annotated[float, typer.Option(min=0.01, help="CPU cores a trial gets.")] = 1,
    gpus_per_trial: Annotated[float, typer.Option(min=0, help="GPUs a trial gets; 0.25 runs four on one.")] = 0,
    max_concurrent: Annotated[int | None, typer.Option(min=1, help="Most trials at once.")] = None,
    address: Annotated[str | None, typer.Option(help="A running Ray cluster to use, such as `auto`.")] = None,
    tracking_uri: TrackingUri = None,
    output: Annotated[
        Path | None, typer.Option(help="Directory of the study; continued if it holds this study.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and list the trials; start nothing.")
    ] = False,
) -> None:
    """Launches a study, or continues it: what is finished is not trained again. Ends with a table and a report."""
    from study import launch as launching  # noqa: PLC0415
    from study import show as showing  # noqa: PLC0415

    values = tuple(_pair(text) for text in assign or ())
    overrides = Overrides(data=data, model=model, seeds=seeds, epochs=epochs, values=values)
    plan = launching.plan(
        launching.Request(
            name=name, overrides=overrides, data_root=data_root, download=download, trials=trials,
            cpus_per_trial=cpus_per_trial, gpus_per_trial=gpus_per_trial, max_concurrent=max_concurrent,
            address=address, tracking_uri=tracking_uri, output=output,
        )
    )  # fmt: skip
    if dry_run:
        showing.trials(plan, console)
        return
    outcome = launching.launch(plan, console)
    showing.outcome(outcome, console)
    raise typer.Exit(130 if outcome.interrupted else 0 if outcome.complete else 1)


@app.command()
def status(directory: Directory) -> None:
    """Says how far a study is: also while it runs, from another terminal."""
    from study.show import status as show_status  # noqa: PLC0415

    show_status(directory, console)


@app.command()
def report(
    directory: Directory,
    only: Annotated[str | None, typer.Option(help="Make this report alone; see the folder reports/.")] = None,
    form: Annotated[str, typer.Option("--format", help="Formats, comma-separated.")] = "html,md,tex,csv,png,svg",
) -> None:
    """Makes a study's report again from its tables: figures, tables for papers, one HTML page."""
    from study.folder import Folder  # noqa: PLC0415
    from study.reporting import make  # noqa: PLC0415
    from study.show import section  # noqa: PLC0415

    folder = Folder(directory.absolute())
    for made in make(folder, only, form.split(","))[0]:
        section(made, console)
    console.print(f"Report: {folder.report}", soft_wrap=True)


@app.command()
def ui(
    directory: Directory,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Interface to listen on.")] = "127.0.0.1",
) -> None:
    """Opens MLflow's UI for a study's store and prints the link that compares exactly this study's runs."""
    from study.ui import serve  # noqa: PLC0415

    serve(directory, host, port, console)


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="trials/KEY/checkpoint.pt of a study, or a plain state dict.")],
    on: Annotated[
        str, typer.Option(help="Metrics, comma-separated; see the folder study/evaluation.")
    ] = "clean,corruption",
    data: DatasetName = None,
    data_root: DataRoot = None,
    model: ModelName = None,
    assign: Assignments = None,
    device: Annotated[str, typer.Option(help="Where to compute: cpu or cuda.")] = "cpu",
    tracking_uri: TrackingUri = None,
    output: Annotated[Path | None, typer.Option(help="CSV file for all rows.")] = None,
) -> None:
    """Measures any saved model and logs it to MLflow.

    A metric's options are set by its name: `--on flips --set flips.every=4`. Published benchmarks:
    `--on official_corruption --set official_corruption.folder=CIFAR-10-C --set official_corruption.layout=cifar-10-c`.
    """
    from study import evaluate as evaluating  # noqa: PLC0415
    from study.show import measured  # noqa: PLC0415
    from study.tracking import log_evaluation  # noqa: PLC0415

    values = dict(_pair(text) for text in assign or ())
    subject = evaluating.subject(checkpoint, data=data, model=model, values=values, data_root=data_root, device=device)
    rows = evaluating.measure(subject, on.split(","), values)
    measured(rows, output, console)
    uri = tracking_uri or f"sqlite:///{Path('studies').absolute() / 'mlflow.db'}"
    run = log_evaluation(uri, subject.name, {"checkpoint": str(checkpoint), "on": on, **values}, rows)
    console.print(f"MLflow run {run} of experiment 'evaluations' in {mask(uri)}", soft_wrap=True)


@data_app.command("show")
def data_show(
    name: Annotated[str, typer.Argument(help="A dataset.")] = "digits",
    data_root: DataRoot = None,
    benchmark: Benchmark = None,
    images: Annotated[int, typer.Option(min=1, help="Test images across.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the corruptions' draws.")] = 0,
    assign: Assignments = None,
    output: Annotated[Path, typer.Option(help="PNG file.")] = Path("corruptions.png"),
) -> None:
    """Draws a contact sheet: every corruption at every severity."""
    from study import benchmarks  # noqa: PLC0415

    benchmarks.show(_load(name, data_root, assign), benchmark, images, output, seed)
    console.print(f"Contact sheet: {output.absolute()}", soft_wrap=True)


@data_app.command("corrupt")
def data_corrupt(
    name: Annotated[str, typer.Argument(help="A dataset.")],
    output: Annotated[Path, typer.Option(help="Folder of the benchmark; files that are there are kept.")],
    data_root: DataRoot = None,
    benchmark: Benchmark = None,
    layout: Annotated[
        str | None, typer.Option(help="cifar-c, mnist-c or imagenet-c; by the images if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the corruptions' draws.")] = 0,
    assign: Assignments = None,
) -> None:
    """Writes a corruption benchmark of the test split in a published layout. Run again to continue."""
    from study import benchmarks  # noqa: PLC0415

    benchmarks.corrupt(_load(name, data_root, assign), benchmark, layout, output, seed, console)
    console.print(f"Benchmark: {output.absolute()}", soft_wrap=True)


def main() -> None:
    """Runs the command line; a user's mistake is one line and exit status 2."""
    try:
        app()
    except UserError as error:
        Console(stderr=True, highlight=False).print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(2)


def _load(name: str, root: Path | None, assign: list[str] | None) -> "Data":
    from study import benchmarks  # noqa: PLC0415

    return benchmarks.load(name, dict(_pair(text) for text in assign or ()), root)


def _pair(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UserError(f"--set takes KEY=VALUE, got {text!r}. Example: --set sigma=0.5")
    return key, parse(value)
