"""The page's main figure in a browser: its numbers are those of Python, and it answers to switches and keys."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.core.gain_data import gain_data
from reports.core.page import page
from reports.core.significance import with_base
from reports.core.stats import by_corruption
from reports.core.write import Section
from tests.browser import look, need_browser, with_probe
from tests.reports.test_browser import ABOUT
from tests.support import table, trials

HOSTILE = "<img src=x onerror='document.title=1'>&amp;\"{x}</script>"
CHOICES = {
    "all": {"noise", "blur", "weather", "digital", "geometric"}, "two": {"noise", "blur"}, "one": {"weather"},
    "clean": {"clean"},
}  # fmt: skip
PROBE = """
const matrices = MATRICES.map(rows => rows.map(row => row.map(value => value === null ? NaN : value)));
seen.random = matrices.map(values => gainsOver(values, 0, 0.05).map(({ n, mean, low, high }) => [n, mean, low, high]));
const data = JSON.parse(document.querySelector("script[data-gains]").textContent);
seen.chosen = Object.fromEntries(Object.entries(CHOICES).map(([name, families]) => {
  const chosen = data.corruptions.map((_, i) => i).filter(i => families.includes(data.corruptions[i][1]));
  const rows = computed(data, { gain: true, chosen });
  return [name, rows.map(({ label, n, mean, low, high }) => [label, n, mean, low, high])];
}));
const labels = () => [...document.querySelectorAll(".live .row")].map(row => row.getAttribute("aria-label"));
const click = selector => document.querySelector(`.live ${selector}`).click();
const status = () => document.querySelector(".live [role=status]").textContent;
seen.first = [labels(), status()];
click("[data-family=noise]");
seen.withoutNoise = [labels(), status()];
click('[data-corruption="0"]');
const noise = document.querySelector(".live [data-family=noise]");
seen.half = [noise.checked, noise.indeterminate, status()];
click("[data-show=accuracy]");
seen.accuracy = labels();
click("[data-order=mean]");
seen.ordered = labels();
click("[data-images=clean]");
seen.clean = [labels(), noise.disabled, status()];
document.querySelector(".live .row").focus();
const key = name => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
key("ArrowDown"); key("ArrowDown"); key("ArrowUp");
const tip = document.querySelector(".live .tip");
seen.focused = [document.activeElement.dataset.place, tip.hidden, tip.textContent];
key("Escape");
seen.hidden = tip.hidden;
seen.foreign = [...document.querySelectorAll(".live img, .live script")].length;
seen.static = document.querySelectorAll("figure").length;
"""


def _random() -> list[np.ndarray]:
    """Studies of settings that vary alike, differently, hardly, with gaps, with twins, and with one seed."""
    rng = np.random.default_rng(0)
    studies = []
    for _ in range(6):
        for sds in (np.ones(6), rng.uniform(0.1, 4, 6), np.full(6, 1e-6)):
            values = 0.7 + 0.01 * (rng.normal(size=(6, 4)) * sds[:, None] + rng.normal(size=4))
            values[rng.random(values.shape) < 0.15] = np.nan
            values[5] = values[4]
            studies.append(values.round(9))
    return [*studies, studies[0][:, :1], studies[0][:2]]


def _null(values: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]


def _gains(values: pd.DataFrame, base: Any) -> pd.DataFrame:
    return with_base(values, base).table[["n", "difference", "low", "high"]]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = [trial for trial in trials("sigma_sweep", seeds=3) if trial.arm != "GNT" or trial.params["sigma"] < 0.6]
    hostile = [replace(trial, arm=HOSTILE) if trial.arm == "Speckle" else trial for trial in some[:-2]]
    return table(hostile, tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def seen(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a script in the page sees."""
    need_browser()
    path = tmp_path_factory.mktemp("page") / "page.html"
    shown = pd.DataFrame({"Training": ["a"]})
    page(path, [Section("gain", "Gain", "C.", shown, svg="<svg></svg>", live=gain_data(rows))], ABOUT)
    matrices, choices = (
        json.dumps(v) for v in ([_null(v) for v in _random()], {k: sorted(v) for k, v in CHOICES.items()})
    )
    with_probe(path, PROBE.replace("MATRICES", matrices).replace("CHOICES", choices))
    return look(path, "--window-size=1280,900")


def test_gains_and_intervals_are_those_of_python(seen: dict[str, Any]) -> None:
    intervals = 0
    for values, computed in zip(_random(), seen["random"], strict=True):
        expected = _gains(pd.DataFrame(values), 0).to_numpy(float)
        np.testing.assert_allclose(np.array(computed, float)[1:], expected[1:], rtol=1e-6, atol=1e-10)
        intervals += int((~np.isnan(expected[1:, 2])).sum())
    assert intervals > 80


@pytest.mark.parametrize("choice", CHOICES)
def test_means_over_the_chosen_corruptions_are_those_of_the_table(
    choice: str, seen: dict[str, Any], rows: pd.DataFrame
) -> None:
    means = by_corruption(rows).fillna({"family": "clean"})
    some = means[means["family"].isin(CHOICES[choice])]
    values = some.groupby(["label", "seed"])["accuracy"].mean().unstack()
    expected = _gains(values, "GNT, sigma 0")
    assert len(seen["chosen"][choice]) == len(expected) > 3
    for label, n, *numbers in seen["chosen"][choice]:
        row = expected.loc[label.replace("σ", "sigma")] if "set of" not in label else expected.loc["GNT, set of sigmas"]
        if label != "GNT, σ 0":
            assert n == row["n"]
            np.testing.assert_allclose(numbers, row.iloc[1:].to_numpy(float), atol=1e-7)


def test_switches_change_what_is_shown(seen: dict[str, Any], rows: pd.DataFrame) -> None:
    values = by_corruption(rows).dropna(subset="family").pivot_table(
        index="label", columns=["family", "corruption"], values="accuracy"
    )  # fmt: skip
    labels, status = seen["first"]
    assert status == "Mean over 6 of 6 corruptions." and labels[0] == "GNT, σ 0; the base; n = 3"
    assert all("95% interval" in text and "seed 0: " in text for text in labels[1:-2])
    assert seen["withoutNoise"][1] == "Mean over 4 of 6 corruptions." and seen["withoutNoise"][0][1:] != labels[1:]
    assert seen["half"] == [False, True, "Mean over 5 of 6 corruptions."]
    chosen = values.drop(columns=[("noise", "shot_noise")])
    for text in seen["accuracy"]:
        name, mean = text.split("; ")[:2]
        expected = 100 * chosen.loc[name.replace("set of σ", "set of sigmas").replace("σ", "sigma")].mean()
        assert float(mean.removesuffix("%")) == pytest.approx(expected, abs=0.0501)
    means = [float(text.split("; ")[1].removesuffix("%")) for text in seen["ordered"]]
    assert means == sorted(means, reverse=True) and set(seen["ordered"]) == set(seen["accuracy"])
    assert seen["clean"][1:] == [True, "On clean images."] and set(seen["clean"][0]) != set(seen["ordered"])


def test_keys_move_between_settings_and_the_drawn_figure_is_replaced(seen: dict[str, Any]) -> None:
    place, hidden, text = seen["focused"]
    assert (place, hidden, seen["hidden"], seen["static"]) == ("1", False, True, 0)
    assert any(text.startswith(HOSTILE) for text in seen["first"][0]) and seen["foreign"] == 0
    assert text.startswith(seen["clean"][0][1].split("; ")[0]) and "standard deviation" in text and "seed 1: " in text
