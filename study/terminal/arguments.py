"""Arguments and options that several commands share, and where they print."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)

StudyName = Annotated[str, typer.Argument(help="A name from `study list`, or a path to a .py file that defines STUDY.")]
Directory = Annotated[Path, typer.Argument(help="The directory of a study, as `study launch` named it.")]

DatasetName = Annotated[str | None, typer.Option("--data", help="Dataset, instead of the study's own.")]
ModelName = Annotated[str | None, typer.Option("--model", help="Model, instead of the study's own.")]
DataRoot = Annotated[Path | None, typer.Option(help="Folder that holds the dataset's files.")]
Benchmark = Annotated[str | None, typer.Option(help="common, extra, mnist or all; by the images if not given.")]
Parents = Annotated[
    Path | None, typer.Option(help="Directory of the study whose models are fine-tuned, where a study does so.")
]
TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow server or store; an SQLite file beside the studies if not given.")
]
CpusPerTrial = Annotated[float | None, typer.Option(min=0.01, help="CPU cores a trial gets; 1 if not given.")]
GpusPerTrial = Annotated[float | None, typer.Option(min=0, help="GPUs a trial gets; 0.25 runs four on one.")]
MaxConcurrent = Annotated[int | None, typer.Option(min=1, help="Most trials at once.")]
Address = Annotated[
    str | None, typer.Option(help="A running Ray cluster to use, such as `auto`; `local` is a Ray of its own.")
]
Retries = Annotated[int | None, typer.Option(min=0, help="New workers for a trial whose worker dies; 2 if not given.")]
TrialTimeout = Annotated[
    float | None, typer.Option(min=0.1, help="Seconds of work after which a trial counts as hung, and fails.")
]
Storage = Annotated[
    str | None,
    typer.Option(help="Where nodes share no folder: a URI that all reach, such as s3://bucket/studies/NAME."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and list the trials; start nothing.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set an option: of the methods, the recipe, `model.*` or `data.*`. In a launch, a key given twice is a "
        "grid: `--set sigma=0.1 --set sigma=0.5`.",
    ),
]
