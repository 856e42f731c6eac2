"""The headline numbers, by hand."""

import pytest

from study.summary import headline


def _row(corruption: str, family: str | None, value: float, **changed: object) -> dict[str, object]:
    return {
        "benchmark": "common", "family": family, "corruption": corruption, "metric": "accuracy", "value": value,
        **changed,
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
    assert headline(rows) == pytest.approx(
        {"clean": 0.9, "corruption": 0.5, "corruption_no_noise": 0.6, "noise": 0.4, "weather": 0.5, "geometric": 0.7}
    )


def test_what_was_not_measured_is_absent() -> None:
    assert headline([]) == {}
    assert headline([_row("clean", None, 0.9, benchmark="clean")]) == {"clean": 0.9}
    assert headline([_row("shot_noise", "noise", 0.5)]) == {"corruption": 0.5, "noise": 0.5}
