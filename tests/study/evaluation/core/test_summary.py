"""Means over corruptions, mCE and flip rate: by hand, and against numbers published for ResNet-50."""

import pytest

from study.evaluation.core.summary import (
    ALEXNET_CLEAN_ERROR,
    ALEXNET_ERROR,
    FAMILIES,
    HELD_OUT,
    alexnet,
    corruption_accuracies,
    family,
    mce,
    mean_accuracy,
    mean_flip_rate,
    relative_mce,
)


def test_means_by_hand() -> None:
    accuracy = {
        "gaussian_noise": [0.2, 0.4],
        "shot_noise": [0.5, 0.7],
        "fog": [0.8, 1.0],
        "stripe": [0.1],
        "speckle_noise": [0.0, 0.0],
    }
    means = corruption_accuracies(accuracy)
    assert means == pytest.approx(
        {"all": (0.3 + 0.6 + 0.9 + 0.1) / 4, "without_noise": 0.5, "noise": 0.45, "weather": 0.9}
    )
    # Severities are averaged first: a corruption with one severity weighs as much as one with five.
    assert mean_accuracy({"a": [1.0], "b": [0.0, 0.0, 0.0]}) == 0.5


def test_families_are_the_fifteen_and_the_four() -> None:
    assert sorted(ALEXNET_ERROR) == sorted(name for names in FAMILIES.values() for name in names)
    assert len(ALEXNET_ERROR) == 15
    assert family("jpeg_compression") == "digital"
    assert family("saturate") == "digital"
    assert family("stripe") is None
    assert set(HELD_OUT) == set(FAMILIES)


def test_mce_by_hand() -> None:
    error, reference = {"a": [0.2, 0.4], "b": [0.5, 0.7]}, {"a": [0.4, 0.8], "b": [0.5, 0.5]}
    assert mce(error, reference) == pytest.approx((0.6 / 1.2 + 1.2 / 1.0) / 2)
    assert relative_mce(error, 0.1, reference, 0.2) == pytest.approx((0.4 / 0.8 + 1.0 / 0.6) / 2)
    assert mean_flip_rate({"a": [0.1], "b": [0.3]}, {"a": [0.2], "b": [0.1]}) == pytest.approx(1.75)
    with pytest.raises(KeyError):
        mce({"a": [0.2]}, reference)


def test_resnet_50_has_its_published_mce() -> None:
    # Hendrycks & Dietterich (2019), tables 1 and 3: corruption errors relative to AlexNet's, in per cent.
    published = [80, 82, 83, 75, 89, 78, 80, 78, 75, 66, 57, 71, 85, 77, 77]
    error = {
        name: [share / 100 * reference]
        for share, (name, reference) in zip(published, ALEXNET_ERROR.items(), strict=True)
    }
    assert mce(error, alexnet()) == pytest.approx(0.767, abs=0.004)
    assert relative_mce(error, 0.239, alexnet(), ALEXNET_CLEAN_ERROR) == pytest.approx(1.05, abs=0.02)
    assert mce(alexnet(), alexnet()) == 1
