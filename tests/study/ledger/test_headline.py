"""The headline numbers, by hand."""

import math

import pytest

from study.ledger import results
from study.ledger.headline import BESIDE, details, headline, marked


def _row(corruption: str, family: str | None, value: float, **changed: object) -> dict[str, object]:
    return {
        "benchmark": "clean" if corruption == "clean" else "common",
        "family": family, "corruption": corruption, "metric": "accuracy", "value": value, **changed,
    }  # fmt: skip


def test_means_over_severities_then_over_corruptions() -> None:
    rows = [
        _row("clean", None, 0.9, benchmark="clean"), _row("clean", None, 0.111, benchmark="linf"),
        _row("gaussian_noise", "noise", 0.2), _row("gaussian_noise", "noise", 0.4),  # 0.3
        _row("shot_noise", "noise", 0.5),
        _row("fog", "weather", 0.8), _row("fog", "weather", 0.6), _row("fog", "weather", 0.1),  # 0.5
        _row("rotate", "geometric", 0.7),
        _row("clean", None, 0.111, metric="top5"), _row("fog", "weather", 0.111, metric="top5"),
        _row("fog", None, 0.111, benchmark="training"), _row("pgd", None, 0.111),
    ]  # fmt: skip
    assert headline(marked(rows)) == pytest.approx(
        {"clean": 0.9, "corruption": 0.5, "corruption_no_noise": 0.6, "noise": 0.4, "weather": 0.5, "geometric": 0.7}
    )


def test_what_was_not_measured_is_absent() -> None:
    assert headline(marked([])) == {}
    assert headline(marked([_row("clean", None, 0.9, benchmark="clean")])) == {"clean": 0.9}
    assert headline(marked([_row("shot_noise", "noise", 0.5)])) == {"corruption": 0.5, "noise": 0.5}


def test_accuracy_without_a_family_is_none_of_a_corruption() -> None:
    rows = [
        {"benchmark": "clean", "family": None, "corruption": "clean", "metric": "accuracy", "value": 0.9},
        {"benchmark": "common", "family": "blur", "corruption": "defocus_blur", "metric": "accuracy", "value": 0.5},
        {
            "benchmark": "adversarial",
            "family": float("nan"),
            "corruption": "pgd_l2",
            "metric": "accuracy",
            "value": 0.1,
        },
        {"benchmark": "linf", "family": float("nan"), "corruption": "clean", "metric": "accuracy", "value": 0.2},
    ]
    expected = {"clean": 0.9, "corruption": 0.5, "corruption_no_noise": 0.5, "blur": 0.5}
    assert headline(marked(rows)) == expected


def test_details_are_what_else_was_measured() -> None:
    def row(benchmark: str, corruption: str, metric: str, value: float, family: str | None = None) -> dict[str, object]:
        return {"benchmark": benchmark, "family": family, "corruption": corruption, "metric": metric, "value": value}

    rows = [
        row("clean", "clean", "accuracy", 0.9), row("clean", "clean", "top5", 0.99),
        row("clean", "clean", "rms_calibration_error", 0.04), row("common", "fog", "accuracy", 0.5, "weather"),
        row("common", "fog", "top5", 0.6, "weather"), row("reliability", "bin 1", "bin_share", 0.1),
        row("adversarial", "pgd_linf", "accuracy", 0.2), row("linf", "clean", "accuracy", 0.8),
        row("noise_distance", "adversarial", "epsilon_median", 1.0),
        row("noise_distance", "adversarial", "epsilon_median", 2.0),
        row("noise_distance", "gaussian", "epsilon_median", math.inf),
        row("sequences", "tilt", "flip_probability", 0.1), row("sequences", "scale", "flip_probability", 0.3),
        row("training", "", "accuracy", 0.3), row("record", "", "accuracy", 0.3),
    ]  # fmt: skip
    assert details(rows) == pytest.approx({
        "top5": 0.99, "rms_calibration_error": 0.04, "adversarial.pgd_linf": 0.2, "linf.clean": 0.8,
        "epsilon.adversarial": 1.5, "flip_probability": 0.2,
    })  # fmt: skip
    assert BESIDE == (results.TRAINING, results.RECORD)


def test_benchmarks_stay_apart_though_corruptions_share_names() -> None:
    rows = [
        _row("fog", "weather", 0.2), _row("gaussian_noise", "noise", 0.4),
        _row("fog", "weather", 0.7, benchmark="cifar-10-c"), _row("fog", "weather", 0.9, benchmark="cifar-10-c"),
    ]  # fmt: skip
    assert headline(marked(rows)) == pytest.approx(
        {
            "corruption": 0.8, "corruption_no_noise": 0.8, "weather": 0.8,
            "corruption.common": 0.3, "corruption_no_noise.common": 0.2, "weather.common": 0.2, "noise.common": 0.4,
        }
    )  # fmt: skip


def _marks(*benchmarks: str) -> set[str]:
    rows = marked([_row("clean", None, 0.9), *(_row("fog", "weather", 0.5, benchmark=name) for name in benchmarks)])
    assert rows[0]["headline"] is True
    return {str(row["benchmark"]) for row in rows[1:] if row["headline"]}


def test_a_published_benchmark_comes_before_others_then_the_first_by_name() -> None:
    assert _marks() == set() and _marks("mnist") == {"mnist"}
    assert _marks("common", "extra", "cifar-10-c") == {"cifar-10-c"} == _marks("cifar-10-c", "common")
    assert _marks("common", "imagenet-c", "mnist-c") == {"imagenet-c"}
    assert _marks("extra", "common") == {"common"} and _marks("mnist-c", "cifar-10-c") == {"cifar-10-c"}


def test_every_row_is_marked_and_an_old_mark_is_replaced() -> None:
    rows = [
        _row("fog", "weather", 0.5), _row("fog", "weather", 0.9, metric="top5"),
        _row("clean", None, 0.9, metric="top5"), _row("pgd", None, 0.1, benchmark="adversarial"),
        {**_row("fog", None, 0.1, benchmark="aaa-c"), "family": float("nan")},
        _row("fog", "weather", 0.1, benchmark="reliability-c", metric="bin_share"),
        {"benchmark": "training", "epoch": 1, "metric": "accuracy", "value": 0.3},
    ]  # fmt: skip
    expected = [True, True, False, False, False, False, False]
    assert [row["headline"] for row in marked(rows)] == expected and "headline" not in rows[0]
    assert [row["headline"] for row in marked({**row, "headline": True} for row in rows)] == expected
    assert [row["headline"] for row in marked(marked(rows))] == expected


def test_rows_without_a_mark_are_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="headline"):
        headline([_row("fog", "weather", 0.5)])
