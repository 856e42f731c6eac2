"""The cost of a training step: its rows, by a clock and allocations that are known."""

import statistics

import pytest
import torch

from study.evaluation import step_cost
from study.evaluation.step_cost import measure, peak_bytes, timed
from tests.support import CPU, digits, same, small_cnn


def test_rows_are_medians_and_ratios_to_vanilla_of_the_same_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine that slows down from round to round: the ratios do not see it."""

    def slowing(steps, rounds, device):  # type: ignore[no-untyped-def]
        return {key: [(1 + place) * 2.0**round_ for round_ in range(rounds)] for place, key in enumerate(steps)}

    monkeypatch.setattr(step_cost, "timed", slowing)
    rows = measure(small_cnn(), digits(), batch=4, rounds=3, pgd=(1, 7))
    by = {(row.corruption, row.severity, row.metric): row.value for row in rows}
    ways = list(dict.fromkeys((row.corruption, row.severity) for row in rows))
    assert ways[0] == ("vanilla", 0) and ways[-2:] == [("PGD training", 1), ("PGD training", 7)]
    for place, way in enumerate(ways, start=1):
        assert by[*way, "seconds"] == statistics.median([place, 2 * place, 4 * place])
        assert by[*way, "ratio"] == by[*way, "ratio_low"] == by[*way, "ratio_high"] == place


def test_steps_take_turns_and_the_first_round_is_left_out() -> None:
    taken: list[str] = []
    steps = {("a", 0): lambda: taken.append("a"), ("b", 1): lambda: taken.append("b")}
    times = timed(steps, 2, CPU)
    assert taken == ["a", "b"] * 3 and all(len(seconds) == 2 for seconds in times.values())


def test_the_peak_is_what_is_held_at_once() -> None:
    """Two of three tensors of a million bytes live together; the third comes when both are gone."""

    def step() -> None:
        first = torch.empty(1_000_000, dtype=torch.uint8)
        second = torch.empty(1_000_000, dtype=torch.uint8)
        del first, second
        torch.empty(1_000_000, dtype=torch.uint8)

    assert peak_bytes(step, CPU) == pytest.approx(2_000_000, rel=1e-3)


def test_the_closed_form_holds_more_than_vanilla_and_the_model_stays() -> None:
    model = small_cnn()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rows = measure(model, digits(), batch=16, rounds=1, pgd=(1,))
    memory = {row.corruption: row.value for row in rows if row.metric == "memory"}
    assert memory["closed form"] > memory["vanilla"] > 16 * 16 * 64 * 4  # the first layer's output alone
    assert same(model.state_dict(), before)
    assert all(row.value > 0 for row in rows)
