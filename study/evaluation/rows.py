"""The tidy row that every metric returns."""

from typing import NamedTuple


class Correct(NamedTuple):
    """Which of the images a model classified correctly: their number, and a bit each, the first in the highest bit."""

    images: int
    bits: bytes


class Row(NamedTuple):
    """One number: what was measured (`metric`), on which benchmark, under which corruption and severity.

    Clean data is corruption "clean", severity 0. Accuracy is a fraction. correct: of an accuracy, which images it
    counts, where the metric says so (`study.evaluation.core.predict.accuracy_rows` does): it tells how much of a gain
    is due to the choice of the test images.
    """

    benchmark: str
    corruption: str
    severity: int
    metric: str
    value: float
    correct: Correct | None = None
