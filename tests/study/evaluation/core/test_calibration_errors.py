"""Calibration errors and AURRA: by hand, by a slow loop, and against scikit-learn's calibration curve."""

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from study.evaluation.core.calibration_errors import aurra, expected_calibration_error, rms_calibration_error


def draws(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.1, 1, count)
    return confidence, rng.uniform(size=count) < confidence**2


def test_rms_by_hand_with_what_is_left_over_in_the_last_bin() -> None:
    confidence = np.array([0.9, 0.5, 0.6, 0.8, 1.0])
    correct = np.array([True, False, True, False, True])
    # Sorted: (.5 no, .6 yes) and (.8 no, .9 yes, 1 yes): gaps .5 - .55 and 2/3 - .9
    expected = math.sqrt(2 / 5 * 0.05**2 + 3 / 5 * (2 / 3 - 0.9) ** 2)
    assert rms_calibration_error(confidence, correct, size=2) == pytest.approx(expected)
    assert rms_calibration_error(confidence, correct) == pytest.approx(abs(3 / 5 - 3.8 / 5))  # one bin


def test_rms_agrees_with_a_loop_over_bins() -> None:
    confidence, correct = draws(1234)
    pairs = sorted(zip(confidence, correct, strict=True))
    bins = [pairs[i : i + 100] for i in range(0, 1100, 100)] + [pairs[1100:]]
    squares = [len(b) / 1234 * (np.mean([c for _, c in b]) - np.mean([p for p, _ in b])) ** 2 for b in bins]
    assert rms_calibration_error(confidence, correct) == pytest.approx(math.sqrt(sum(squares)))


def test_rms_agrees_with_scikit_learn_on_even_bins() -> None:
    confidence, correct = draws(2000)
    true, predicted = calibration_curve(correct, confidence, n_bins=20, strategy="quantile")
    assert rms_calibration_error(confidence, correct) == pytest.approx(np.sqrt(np.mean((true - predicted) ** 2)))


def test_ece_by_hand() -> None:
    confidence = np.array([0.2, 0.4, 0.5, 0.9, 1.0, 0.0])
    correct = np.array([False, True, True, True, False, True])
    # (0, .5]: confidences .2 .4 .5 0, three right; (.5, 1]: .9 1, one right
    expected = (abs(3 - 1.1) + abs(1 - 1.9)) / 6
    assert expected_calibration_error(confidence, correct, bins=2) == pytest.approx(expected)


def test_ece_agrees_with_scikit_learn() -> None:
    confidence, correct = draws(3000)
    true, predicted = calibration_curve(correct, confidence, n_bins=15)
    counts = np.histogram(confidence, bins=np.linspace(0, 1, 16))[0]
    expected = np.sum(counts[counts > 0] * np.abs(true - predicted)) / 3000
    assert expected_calibration_error(confidence, correct) == pytest.approx(expected)


def test_aurra_by_hand_and_at_its_extremes() -> None:
    confidence = np.array([0.7, 0.9, 0.8])
    assert aurra(confidence, np.array([True, True, False])) == pytest.approx((1 + 1 / 2 + 2 / 3) / 3)
    assert aurra(confidence, np.array([True] * 3)) == 1
    sure_first, sure_last = (aurra(confidence, np.array(c)) for c in ([0, 1, 1], [1, 0, 0]))
    assert sure_first > sure_last
