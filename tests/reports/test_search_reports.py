"""What the reports of searches and populations compute, checked in another way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reports import population_schedules, search_front, search_history, search_importance, search_parallel
from search_spaces.core.space import Arm, Grid, Study
from study.ledger.trial import Trial
from study.plan import space as spec
from tests.support import FINGERPRINT, members, population, table

STUDY = Study(
    question="?",
    arms=(
        Arm(
            method="noisymix",
            label="N",
            space={
                "noise": {"additive": Grid(0.1, 0.4, 0.9), "sparse": Grid(0.0, 0.5)},
                "mix": Grid({"alpha": 0.2}, {"alpha": 1.0}),
            },
        ),
    ),
    reports=(),
    seeds=2,
)
TRIALS = spec.resolve(STUDY, FINGERPRINT)
CONFIGS = list(dict.fromkeys(t.config_id for t in TRIALS))


def _value(trial: Trial, corruption: str, severity: int) -> float:
    """Accuracy under corruption depends on the additive level alone, clean accuracy on mixing alone."""
    noise = 0.01 if trial.seed else -0.01
    if corruption == "clean":
        return 0.9 - 0.1 * trial.params["mix"]["alpha"] + noise
    return 0.5 + 0.3 * trial.params["noise"]["additive"] + noise


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Candidates in the order of the trials; the last one is chosen."""
    found = table(TRIALS, tmp_path_factory.mktemp("rows"), _value)
    numbers = {config: index for index, config in enumerate(CONFIGS)}
    return found.assign(candidate=found["config"].map(numbers), chosen=found["config"] == CONFIGS[-1])


def test_the_front_is_of_means_over_seeds(rows: pd.DataFrame) -> None:
    points = search_front.points(rows).set_index("config")
    assert len(points) == 12 and (points["n"] == 2).all()
    for trial in TRIALS:
        row = points.loc[trial.config_id]
        clean, corrupted = 0.9 - 0.1 * trial.params["mix"]["alpha"], 0.5 + 0.3 * trial.params["noise"]["additive"]
        assert row["clean"] == pytest.approx(clean) and row["corruption"] == pytest.approx(corrupted)
        best = trial.params["mix"]["alpha"] == 0.2 and trial.params["noise"]["additive"] == 0.9
        assert row["front"] == best
    assert points.index[points["chosen"]].tolist() == [CONFIGS[-1]]


def test_the_best_so_far_never_falls(rows: pd.DataFrame) -> None:
    points = search_history.points(rows)
    objective = [0.5 + 0.3 * t.params["noise"]["additive"] for t in TRIALS[: len(CONFIGS)]]
    assert points["objective"].tolist() == pytest.approx(objective)
    assert points["best"].tolist() == pytest.approx(np.maximum.accumulate(objective).tolist())


def test_what_decides_is_what_is_important(rows: pd.DataFrame) -> None:
    points = search_importance.points(rows)
    shares = points.pivot(index="parameter", columns="objective", values="share")
    assert set(shares.index) == {"noise.additive", "noise.sparse", "mix.alpha"}
    assert shares["corruption"].idxmax() == "noise.additive" and shares["corruption"].max() > 0.9
    assert shares["clean"].idxmax() == "mix.alpha" and shares["clean"].max() > 0.9
    assert shares.sum().tolist() == pytest.approx([1, 1])


def test_places_on_an_axis_are_in_proportion(rows: pd.DataFrame) -> None:
    points = search_parallel.points(rows)
    additive = points[points["parameter"] == "noise.additive"].drop_duplicates("value").set_index("value")["place"]
    assert additive.to_dict() == pytest.approx({"0.1": 0.0, "0.4": 0.375, "0.9": 1.0})
    assert len(points) == 12 * 3


def test_two_candidates_of_one_number_are_two_lines(rows: pd.DataFrame) -> None:
    """The best schedule of a population has the number of the member it came from."""
    same = rows.assign(candidate=rows["candidate"].clip(lower=1))
    points = search_parallel.points(same)
    assert points["config"].nunique() == 12 and points["number"].nunique() == 11
    assert len(search_parallel.table(points)) == search_parallel.SHOWN
    lines = [line for line in search_parallel.draw(points).axes[0].lines if len(line.get_xdata()) == 4]
    assert len(lines) == 12


def test_eight_members_have_eight_colours(tmp_path: Path) -> None:
    points = population_schedules.points(population(members(8), tmp_path))
    figure = population_schedules.draw(points)
    for axis in figure.axes:
        lines = {line.get_label(): line.get_color() for line in axis.lines if "member" in str(line.get_label())}
        assert len(lines) == 8 == len(set(lines.values())), axis.get_title()


def test_the_best_way_goes_back_through_the_copy(tmp_path: Path) -> None:
    rows = population(members(4), tmp_path)
    points = population_schedules.points(rows)
    way = points[points["best"] & (points["metric"] == "sigma")].sort_values("epoch")
    assert way["member"].tolist() == [0, 0, 3, 3] and way["value"].tolist() == [0.1] * 4
    rates = points[points["best"] & (points["metric"] == "lr")].sort_values("epoch")["value"].tolist()
    assert rates == pytest.approx([1e-3, 2e-3, 6e-3, 7e-3])
    assert "mean ones over the epochs" in population_schedules.caption(points)
    constant = points.assign(value=points["value"].where(points["metric"] != "lr", 1e-3))
    assert "it is a fixed setting itself" in population_schedules.caption(constant)
    shown = population_schedules.table(points)
    assert shown["From epoch"].tolist() == ["1", "2", "3", "4"] and shown["Score"].tolist() == ["", "75.0", "", "87.5"]
