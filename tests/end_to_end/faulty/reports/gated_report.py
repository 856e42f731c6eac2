"""A report that waits at a gate."""

import pandas as pd
from trainers.faulty import gate

from reports.core.report import Report


def _points(table: pd.DataFrame) -> pd.DataFrame:
    gate("report")
    return table.head(1)


REPORT = Report(
    title="Gated", points=_points, table=lambda points: points[["label"]], caption=lambda points: "One row."
)
