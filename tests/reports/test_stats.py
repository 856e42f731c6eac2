"""The arithmetic of reports, against plain Python and brute force."""

import math
from collections import defaultdict
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.core.stats import MEASURES, benchmarks_text, best_interval, by_benchmark, by_corruption, by_trial, percent
from study.ledger import results
from study.ledger.headline import headline
from tests.support import CORRUPTIONS, publish, table, trials


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(trials("sigma_sweep", seeds=2)[::4], tmp_path_factory.mktemp("results"))


def _by_hand(rows: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    """Trial -> corruption -> accuracies, from the raw rows."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.to_dict("records"):
        if row["metric"] == "accuracy" and row["benchmark"] in ("clean", "common"):
            found[row["trial"]][row["corruption"]].append(row["value"])
    return found


def test_a_corruptions_accuracy_is_the_mean_over_severities(rows: pd.DataFrame) -> None:
    found = by_corruption(rows).set_index(["trial", "corruption"])["accuracy"].to_dict()
    expected = {(t, c): fmean(values) for t, every in _by_hand(rows).items() for c, values in every.items()}
    assert found == pytest.approx(expected, abs=1e-12) and len(found) == rows["trial"].nunique() * 7


def test_a_trials_accuracies_are_means_over_corruptions(rows: pd.DataFrame) -> None:
    found = by_trial(rows).set_index("trial")
    for trial, every in _by_hand(rows).items():
        means = {c: fmean(values) for c, values in every.items()}
        calm = [means[c] for c, family in CORRUPTIONS.items() if family != "noise"]
        expected = [means.pop("clean"), fmean(means.values()), fmean(calm)]
        got = found.loc[trial, ["clean", "corruption", "corruption_no_noise"]].tolist()
        assert got == pytest.approx(expected, abs=1e-12)


def test_a_trial_weighs_its_corruptions_not_their_severities(rows: pd.DataFrame) -> None:
    """With severities missing, a corruption still counts once."""
    few = rows[(rows["corruption"] != "fog") | (rows["severity"] == 1)]
    means = by_corruption(few)
    fog = means[means["corruption"] == "fog"].set_index("trial")["accuracy"]
    raw = rows[(rows["corruption"] == "fog") & (rows["severity"] == 1) & (rows["metric"] == "accuracy")]
    assert fog.to_dict() == raw.set_index("trial")["value"].to_dict()
    corrupted = means[means["corruption"] != "clean"].groupby("trial")["accuracy"].mean()
    assert by_trial(few).set_index("trial")["corruption"].to_dict() == pytest.approx(corrupted.to_dict(), abs=1e-12)


def test_every_trial_has_the_numbers_that_mlflow_shows(rows: pd.DataFrame, tmp_path: Path) -> None:
    """Of three trials one has a published benchmark beside that made here: its numbers are of the published one."""
    some = trials("sigma_sweep", seeds=1)[:3]
    table(some, tmp_path)
    publish(some[1], tmp_path)
    files = [tmp_path / trial.key / "result.parquet" for trial in some]
    mixed = results.read(files)
    shown = by_trial(mixed).set_index("trial")
    logged = {trial.key: headline(results.rows(file)) for trial, file in zip(some, files, strict=True)}
    assert logged[some[1].key]["corruption"] == pytest.approx(logged[some[1].key]["corruption.common"] / 2)
    for trial in some:
        from_frame = headline(mixed[mixed["trial"] == trial.key].to_dict("records"))
        for name in MEASURES:
            assert shown.loc[trial.key, name] == pytest.approx(logged[trial.key][name], abs=1e-12), (trial.label, name)
        assert from_frame == pytest.approx(logged[trial.key])
    means = by_benchmark(mixed).groupby(["trial", "benchmark"])["accuracy"].mean()
    assert means[some[1].key].to_dict() == pytest.approx({
        "clean": shown.loc[some[1].key, "clean"], "cifar-10-c": shown.loc[some[1].key, "corruption"],
        "common": 2 * shown.loc[some[1].key, "corruption"],
    })  # fmt: skip


def test_captions_say_where_trials_differ_in_their_headline_benchmark(rows: pd.DataFrame, tmp_path: Path) -> None:
    assert benchmarks_text(rows) == "" == benchmarks_text(results.read([]))
    some = trials("sigma_sweep", seeds=1)[:3]
    table(some, tmp_path)
    publish(some[1], tmp_path)
    mixed = results.read(tmp_path / trial.key / "result.parquet" for trial in some)
    expected = (
        " Accuracies under corruption are not all of one benchmark but of cifar-10-c (1 trial) and common (2 trials)."
    )
    assert benchmarks_text(mixed) == expected
    assert benchmarks_text(mixed[mixed["trial"] == some[1].key]) == ""


def _brute_force(x: list[float], accuracy: list[list[float]]) -> tuple[float, float, float]:
    """The same bootstrap in exact arithmetic order: every resample, its best x, the 2.5% and 97.5% quantiles."""
    pairs = sorted(zip(x, accuracy, strict=True))
    seeds = len(accuracy[0])
    tops = []
    for resample in product(range(seeds), repeat=seeds):
        means = [sum(row[i] for i in resample) for _, row in pairs]
        tops.append(pairs[means.index(max(means))][0])
    tops.sort()
    total = [sum(row) for _, row in pairs]

    def quantile(share: float) -> float:
        return tops[max(0, math.ceil(share * len(tops) - 1e-9) - 1)]

    return pairs[total.index(max(total))][0], quantile(0.025), quantile(0.975)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.integers(2, 4), st.data())
def test_the_best_and_its_interval_against_brute_force(settings_: int, seeds: int, data: st.DataObject) -> None:
    # Accuracies are multiples of 1/64, so that sums are exact and ties are ties.
    cell = st.integers(0, 64).map(lambda k: k / 64)
    x = data.draw(st.lists(st.integers(0, 40), min_size=settings_, max_size=settings_, unique=True))
    row = st.lists(cell, min_size=seeds, max_size=seeds)
    accuracy = data.draw(st.lists(row, min_size=settings_, max_size=settings_))
    if seeds == 3:  # a mean of three may round; the sums of integers may not
        accuracy = [[3 * value for value in row] for row in accuracy]
    found = best_interval(np.array(x, float), np.array(accuracy))
    assert found == _brute_force([float(v) for v in x], accuracy)
    best, low, high = found
    assert {best, low, high} <= set(map(float, x)) and low <= high


def test_a_clear_optimum_has_a_tight_interval_and_a_vague_one_a_wide() -> None:
    x = np.array([0.0, 0.5, 1.0])
    assert best_interval(x, np.array([[0.1, 0.2, 0.1], [0.9, 0.8, 0.9], [0.3, 0.3, 0.2]])) == (0.5, 0.5, 0.5)
    assert best_interval(x, np.array([[0.9, 0.1, 0.5], [0.5, 0.6, 0.5], [0.1, 0.9, 0.4]])) == (0.5, 0.0, 1.0)


def test_ties_go_to_the_smaller_value_and_order_does_not_matter() -> None:
    x, accuracy = np.array([0.5, 0.1, 0.3]), np.array([[0.5, 0.5], [0.5, 0.5], [0.25, 0.25]])
    assert best_interval(x, accuracy) == (0.1, 0.1, 0.1) == best_interval(x[::-1], accuracy[::-1])


def test_one_seed_has_no_interval() -> None:
    best, low, high = best_interval(np.array([0.1, 0.2]), np.array([[0.5], [0.6]]))
    assert best == 0.2 and math.isnan(low) and math.isnan(high)


def test_many_seeds_are_sampled_the_same_every_time() -> None:
    accuracy = np.random.default_rng(0).uniform(0.4, 0.6, size=(5, 8))
    x = np.arange(5.0)
    first = best_interval(x, accuracy)
    assert first == best_interval(x, accuracy) and first[1] <= first[0] <= first[2] and first[1] < first[2]


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [(0.9734, 0.0041, "97.3 ± 0.4"), (0.5, None, "50.0"), (0.5, math.nan, "50.0"), (math.nan, 0.1, ""),
      (1, 0, "100.0 ± 0.0")],
)  # fmt: skip
def test_fractions_are_percentages_in_print(mean: float, std: float | None, text: str) -> None:
    assert percent(mean, std) == text
