"""The commands `study data ...`: datasets and the corruption benchmarks made of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.terminal.command_line import Assignments, Benchmark, DataRoot, assigned, console

if TYPE_CHECKING:
    from study.datasets.core.data import Data

app = typer.Typer(no_args_is_help=True, help="Datasets and the corruption benchmarks made of them.")


@app.command("show")
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
    from study.work import benchmark_files as benchmarks  # noqa: PLC0415

    benchmarks.show(_load(name, data_root, assign), benchmark, images, output, seed)
    console.print(f"Contact sheet: {output.absolute()}", soft_wrap=True)


@app.command("corrupt")
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
    from study.work import benchmark_files as benchmarks  # noqa: PLC0415

    benchmarks.corrupt(_load(name, data_root, assign), benchmark, layout, output, seed, console)
    console.print(f"Benchmark: {output.absolute()}", soft_wrap=True)


def _load(name: str, root: Path | None, assign: list[str] | None) -> "Data":
    from study.work import benchmark_files as benchmarks  # noqa: PLC0415

    return benchmarks.load(name, assigned(assign), root)
