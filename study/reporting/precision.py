"""What the seeds of a planned study can tell apart, before anything is trained."""

from pathlib import Path
from typing import TYPE_CHECKING

from study.errors import UserError
from study.ledger.folder import RECORD, Folder
from study.reporting.directories import look, rows

if TYPE_CHECKING:
    import pandas as pd

ERROR = 0.1
"""Share of test images that is expected to be wrong, where no earlier study says it."""


def precision(seeds: int, settings: int, data: str, images: int, home: Path) -> str:
    """Returns in one sentence the difference between two settings that a study will probably tell apart.

    seeds, settings: of the planned study. data: name of its dataset. images: of its test split. home: the folder of
    earlier studies; the newest on the same dataset that has two settings with two seeds says how much trainings differ.
    Without one it is the formula of Jordan (2024) for clean accuracy, see `reports.core.seed_planning.run_deviation`.
    """
    if seeds < 2 or settings < 2:
        return "With one seed, or one setting, nothing is told apart."
    from reports.core.seed_planning import detectable, run_deviation  # noqa: PLC0415  scipy takes a second

    if (earlier := _earlier(home, data)) is not None:
        folder, variance, df = earlier
        smallest = detectable(variance, seeds, settings, df)
        source = f"accuracy under corruption, by the spread of trainings in {folder}"
    else:
        smallest = detectable(2 * run_deviation(ERROR, images) ** 2, seeds, settings)
        source = f"clean accuracy, if {ERROR:.0%} of {images} test images are wrong"
    return (
        f"{seeds} seeds will tell apart settings that differ by about {100 * smallest:.1f} points or more ({source}; "
        "power 80%)."
    )


def _earlier(home: Path, data: str) -> tuple[Path, float, float] | None:
    """Returns the newest study on a dataset, the variance of its settings' differences, and the df of that prior."""
    records = sorted(home.glob(f"*/{RECORD}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for record in records:
        try:
            source = look(Folder(record.parent))
            if source.record["data"] == data:
                values = _values(rows([source]))
                if values.shape[0] > 1 and (values.notna().sum(axis=1) > 1).sum() > 1:
                    from reports.core.significance import spread  # noqa: PLC0415

                    prior = spread(values.to_numpy(float)).prior
                    return record.parent, prior.variance, prior.df
        except UserError:
            continue  # another layout, or nothing finished: no help, and no harm
    return None


def _values(table: "pd.DataFrame") -> "pd.DataFrame":
    """Returns the accuracy under corruption of settings (rows) and seeds."""
    from reports.core.stats import by_trial  # noqa: PLC0415

    return by_trial(table).pivot(index="config", columns="seed", values="corruption")
