"""Gains over the base, seed by seed, beside differences of the trials' accuracies."""

from pathlib import Path

import pandas as pd
import pytest

from reports.core.significance import with_base
from reports.core.stats import by_trial
from reports.core.style import style
from reports.paired_gain import REPORT, SEED
from tests.support import table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("sigma_sweep", seeds=3)[:-1], tmp_path_factory.mktemp("results"))


def test_gains_are_differences_at_common_seeds(rows: pd.DataFrame) -> None:
    points = REPORT.points(rows).set_index("label")
    values = by_trial(rows).pivot(index="label", columns="seed", values="corruption")
    differences = values - values.loc["GNT, sigma 0"]
    expected = with_base(values, "GNT, sigma 0").table
    for seed in values:
        pd.testing.assert_series_equal(points[f"{SEED}{seed}"], differences[seed].loc[points.index], check_names=False)
    for name, column in (("gain", "difference"), ("gain_low", "low"), ("gain_high", "high"), ("gain_p", "p")):
        of_others = expected[column].drop("GNT, sigma 0")
        pd.testing.assert_series_equal(points.loc[of_others.index, name], of_others, check_names=False)
    assert list(points.index[points["base"]]) == ["GNT, sigma 0"] and points["n"].min() == 2


def test_the_table_has_every_number_and_the_figure_a_line_for_each_seed(rows: pd.DataFrame) -> None:
    points = REPORT.points(rows)
    shown = REPORT.table(points).set_index("Training")
    assert shown.loc["GNT, sigma 0", ["Gain", "Gain at each seed"]].tolist() == ["-", ""]
    last = points.iloc[-1]
    assert shown["Gain at each seed"].iloc[-1] == ", ".join(f"{100 * last[f'{SEED}{seed}']:+.1f}" for seed in (0, 1))
    with style():
        (axis,) = REPORT.draw(points).axes  # type: ignore[misc]
    assert [text.get_text() for text in axis.get_yticklabels()][0] == "GNT, σ 0 (base)"
    assert sum(line.get_linewidth() == 0.6 for line in axis.lines) == 3


def test_without_a_base_there_is_nothing(rows: pd.DataFrame, tmp_path: Path) -> None:
    assert REPORT.points(rows[rows["label"] != "GNT, sigma 0"]).empty
    assert REPORT.points(rows[rows["label"] == "GNT, sigma 0"]).empty
    clean = rows[rows["benchmark"] == "clean"]
    assert REPORT.points(clean)["measure"].unique().tolist() == ["clean"]
