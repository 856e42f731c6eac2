"""Accuracies of settings, seed by seed, beside those of the trials."""

from pathlib import Path

import pandas as pd
import pytest

from reports.core.compare import compare
from reports.core.stats import by_trial
from reports.core.style import style
from reports.setting_accuracies import REPORT, SEED
from tests.support import table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("noisymix_levels", seeds=3)[:-1], tmp_path_factory.mktemp("results"))


def test_accuracies_are_those_of_the_trials(rows: pd.DataFrame) -> None:
    points = REPORT.points(rows).set_index("label")
    trials_of = by_trial(rows)
    values = trials_of.pivot(index="label", columns="seed", values="corruption").loc[points.index]
    for seed in values:
        pd.testing.assert_series_equal(points[f"{SEED}{seed}"], values[seed], check_names=False)
    pd.testing.assert_series_equal(points["mean"], values.mean(axis=1), check_names=False)
    pd.testing.assert_series_equal(points["std"], values.std(axis=1), check_names=False)
    long = trials_of.rename(columns={"corruption": "value"}).assign(measure="corruption")
    marks = compare(long, "measure").set_index("label").loc[points.index]
    assert points["worse"].equals(marks["worse"]) and points["best"].equals(marks["best"])
    assert points["n"].tolist() == [3] * (len(points) - 1) + [2]


def test_the_table_has_every_seed_and_the_figure_a_line_for_each(rows: pd.DataFrame) -> None:
    points = REPORT.points(rows)
    shown = REPORT.table(points)
    expected = [f"{100 * points[f'{SEED}{seed}'].iloc[0]:.1f}" for seed in range(3)]
    assert shown["At each seed"].iloc[0] == ", ".join(expected) and shown["At each seed"].iloc[-1].count(",") == 1
    with style():
        (axis,) = REPORT.draw(points).axes  # type: ignore[misc]
    assert sum(line.get_linewidth() == 0.6 for line in axis.lines) == 3


def test_one_setting_has_nothing_beside_it(rows: pd.DataFrame, tmp_path: Path) -> None:
    label = rows["label"].iloc[0]
    assert REPORT.points(rows[rows["label"] == label]).empty
    clean = rows[rows["benchmark"] == "clean"]
    assert REPORT.points(clean)["measure"].unique().tolist() == ["clean"]
