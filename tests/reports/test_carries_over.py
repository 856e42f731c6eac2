"""Gains on C beside gains on C-bar, by hand: means over corruptions of means over severities, and the verdicts."""

from pathlib import Path
from statistics import fmean

import pandas as pd
import pytest

from reports import carries_over as report
from search_spaces.core.space import Arm
from study.ledger.headline import marked
from study.ledger.trial import Trial
from tests.support import table, trials

ARMS = tuple(Arm(method="gnt", label=label, space={"sigma": s}) for s, label in enumerate(("Base", "Both", "C alone")))
C, BAR = {"Base": 0.5, "Both": 0.6, "C alone": 0.6}, {"Base": 0.4, "Both": 0.5, "C alone": 0.3}
SPREAD = (0.0, 0.001, -0.001)


def _value(trial: Trial, corruption: str, severity: int) -> float:
    centre = (BAR if corruption in ("brownish_noise", "lines") else C)[trial.label]
    return centre + SPREAD[trial.seed] * (1 + severity) * trial.params["sigma"] + 0.01 * (corruption == "lines")


@pytest.fixture
def rows(tmp_path: Path) -> pd.DataFrame:
    some = trials("augmentation_baselines", seeds=3, arms=ARMS)
    return table(some, tmp_path, _value)


def test_points_by_hand(rows: pd.DataFrame) -> None:
    points = report.points(rows).set_index(["label", "measure"])
    assert len(points) == 9 and points["n"].eq(3).all()
    for label in C:
        c = fmean(_value_of(label, "fog", range(1, 6)))
        bar = fmean([*_value_of(label, "lines", (1, 5)), *_value_of(label, "brownish_noise", (1, 5))])
        assert points.loc[(label, "c"), "mean"] == pytest.approx(c)
        assert points.loc[(label, "c_bar"), "mean"] == pytest.approx(bar)
        assert points.loc[(label, "apart"), "mean"] == pytest.approx(bar - c)
    gains = {name: points.loc[(name, "c_bar"), "gain"] for name in C}
    assert gains == {"Base": 0, "Both": pytest.approx(0.1), "C alone": pytest.approx(-0.1)}
    assert points.loc[("C alone", "apart"), "gain"] == pytest.approx(-0.2)
    verdicts = {name: points.loc[(name, "c_bar"), "verdict"] for name in C}
    assert verdicts == {"Base": "", "Both": "yes", "C alone": "reversed"}
    assert report.summary(points.reset_index()) == {"gain_on_c": 2.0, "carries_over": 1.0}


def _value_of(label: str, corruption: str, severities: range | tuple[int, ...]) -> list[float]:
    [trial] = [t for t in trials("augmentation_baselines", seeds=1, arms=ARMS) if t.label == label]
    return [_value(trial, corruption, severity) for severity in severities]


def test_one_seed_has_no_verdict_and_without_c_bar_there_is_nothing(rows: pd.DataFrame) -> None:
    assert report.points(rows[rows["seed"] == 0])["verdict"].eq("").all()
    assert report.points(rows[rows["benchmark"] != "c_bar"]).empty


def test_c_bar_is_never_the_headline() -> None:
    def row(benchmark: str) -> dict[str, object]:
        return {"benchmark": benchmark, "metric": "accuracy", "family": "noise", "corruption": "x", "value": 0.5}

    for others in (("common",), ("mnist",), ("extra", "mnist-c")):
        names = ("c_bar", "cifar-10-c-bar", *others)
        lead = {each["benchmark"] for each in marked(map(row, names)) if each["headline"]}
        assert lead == {others[-1]}
