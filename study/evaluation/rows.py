"""The tidy row that every metric returns."""

from typing import NamedTuple


class Row(NamedTuple):
    """One number: what was measured (`metric`), on which benchmark, under which corruption and severity.

    Clean data is corruption "clean", severity 0. Accuracy is a fraction.
    """

    benchmark: str
    corruption: str
    severity: int
    metric: str
    value: float
