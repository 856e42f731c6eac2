"""A report that waits at a gate."""

import gates
import pandas as pd

from reports.core.report import Report


def _points(table: pd.DataFrame) -> pd.DataFrame:
    gates.wait("report")
    return table.head(1)


REPORT = Report(
    title="Gated", points=_points, table=lambda points: points[["label"]], caption=lambda points: "One row."
)
