"""Calibration: does a confidence of 0.8 mean right four times out of five? Arrays in, numbers out.

Everywhere `confidence` (N,) is the probability in [0, 1] of the predicted class and `correct` (N,) whether it
is right.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def rms_calibration_error(confidence: Floats, correct: Bools, size: int = 100) -> float:
    """Returns sqrt(sum_b n_b/N (mean correct_b - mean confidence_b)^2) over adaptive bins b.

    Bins hold `size` predictions each, sorted by confidence (Hendrycks et al., 2019, "Deep anomaly detection
    with outlier exposure"). What is left over joins the last bin, and fewer than `size` predictions are one
    bin; every prediction counts. Public code leaves its last bin, the most confident one, out of the sum;
    this does not.
    """
    order = np.argsort(confidence, kind="stable")
    starts = np.arange(max(len(order) // size, 1)) * size
    gaps = np.add.reduceat(correct[order].astype(float) - confidence[order], starts)
    counts = np.diff(starts, append=len(order))
    return float(np.sqrt(np.sum(gaps**2 / counts) / len(order)))


class Bin(NamedTuple):
    """The predictions whose confidence is in one of the equal bins: their means, and their share of all."""

    number: int
    confidence: float
    accuracy: float
    share: float


def reliability(confidence: Floats, correct: Bools, bins: int = 15) -> list[Bin]:
    """Returns the equal-width bins (l, u] of [0, 1] that hold a prediction, the first from 0 on, numbered from 0.

    The reliability diagram of Guo et al., 2017, "On calibration of modern neural networks", section 2.
    """
    edges = np.linspace(0, 1, bins + 1)
    chosen = np.searchsorted(edges[1:-1], confidence, side="left")
    counts = np.bincount(chosen, minlength=bins)
    sums = [np.bincount(chosen, weights=values.astype(float), minlength=bins) for values in (confidence, correct)]
    return [
        Bin(int(b), float(sums[0][b] / counts[b]), float(sums[1][b] / counts[b]), float(counts[b] / len(confidence)))
        for b in np.flatnonzero(counts)
    ]


def expected_calibration_error(confidence: Floats, correct: Bools, bins: int = 15) -> float:
    """Returns sum_b n_b/N |mean correct_b - mean confidence_b| over the bins of `reliability`.

    Guo et al., 2017, "On calibration of modern neural networks", eq. 3.
    """
    return sum(b.share * abs(b.accuracy - b.confidence) for b in reliability(confidence, correct, bins))


def aurra(confidence: Floats, correct: Bools) -> float:
    """Returns the area under accuracy against response rate: the mean over n of the n surest's accuracy.

    Hendrycks et al., 2021, "Natural adversarial examples". Equal confidences stay in the order given.
    """
    order = np.argsort(-confidence, kind="stable")
    return float(np.mean(np.cumsum(correct[order]) / np.arange(1, len(order) + 1)))
