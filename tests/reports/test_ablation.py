"""The ablation table and the worth of components, against numbers worked out here another way."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import fmean, stdev

import pandas as pd
import pytest
from scipy import stats

from reports import ablation, component_effects
from reports.core.cells import is_bold, is_worse
from reports.core.compare import ONE_SEED
from reports.core.write import latex
from search_spaces.core.space import Arm, Grid, Study
from study.ledger.trial import Trial
from study.plan import space as spec
from tests.reports.loops import gains
from tests.support import CORRUPTIONS, FINGERPRINT, table, trials

PIECES = ("augment", "mix", "noise", "consistency")
WORTH = {"augment": 0.16, "mix": 0.05, "noise": 0.02, "consistency": 0.01}
JITTER = {(0, 0): 0.0, (1, 0): 0.003, (2, 0): -0.002, (0, 1): 0.001, (1, 1): 0.0005, (2, 1): 0.004}
"""(seed, whether noise is on) -> shift of accuracy."""


def _on(trial: Trial) -> set[str]:
    return {piece for piece in PIECES if trial.params[piece] is not None}


def _accuracy(trial: Trial, corruption: str, severity: int) -> float:
    on = _on(trial)
    both = 0.03 if {"mix", "noise"} <= on else 0.0
    gained = (sum(WORTH[piece] for piece in on) + both) * (corruption != "clean")
    return 0.5 + gained + JITTER[trial.seed, "noise" in on] - 0.01 * severity


@pytest.fixture(scope="module")
def some() -> list[Trial]:
    return trials("noisymix_ablation", seeds=3)


@pytest.fixture(scope="module")
def rows(some: list[Trial], tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return table(some, tmp_path_factory.mktemp("results"), _accuracy)


def _corruption(trial: Trial) -> float:
    """A trial's mean accuracy under corruption, by hand."""
    return fmean(_accuracy(trial, name, severity) for name in CORRUPTIONS for severity in range(1, 6))


def test_points_by_hand(rows: pd.DataFrame, some: list[Trial]) -> None:
    points = ablation.points(rows)
    assert len(points) == 3 * 10 and points["base"].sum() == 3
    by_row: dict[frozenset[str], dict[int, float]] = {}
    for trial in some:
        by_row.setdefault(frozenset(_on(trial)), {})[trial.seed] = _corruption(trial)
    by_label = {trial.label: by_row[frozenset(_on(trial))] for trial in some}
    base, told = by_row[frozenset()], gains(by_label, "Baseline")
    for row in points[points["measure"] == "corruption"].to_dict("records"):
        on = frozenset(piece for piece in PIECES if row[f"component.{piece}"] == "on")
        values = [by_row[on][seed] for seed in range(3)]
        assert (row["n"], row["mean"], row["std"]) == (3, pytest.approx(fmean(values)), pytest.approx(stdev(values)))
        assert row["base"] == (not on) and row["best"] == (len(on) == 4)
        if row["base"]:
            assert row["gain"] == 0 and row["gain_n"] == 3 and pd.isna(row["gain_low"]) and pd.isna(row["gain_p"])
            continue
        assert (row["gain_n"], row["gain"]) == (3, pytest.approx(fmean(by_row[on][s] - base[s] for s in range(3))))
        numbers = [row[name] for name in ("gain", "gain_low", "gain_high", "gain_p")]
        assert numbers == pytest.approx(told[row["label"]], rel=1e-6)


def test_the_table_has_the_papers_layout(rows: pd.DataFrame) -> None:
    shown = ablation.table(ablation.points(rows))
    assert list(shown.columns) == [
        *("Augment", "Mix", "Noise", "Consistency", "n", "Clean", "All corruptions", "Gain", "p (Holm)")
    ]
    marks = ["".join(row) for row in shown[["Augment", "Mix", "Noise", "Consistency"]].to_numpy().tolist()]
    assert marks == ["✗✗✗✗", "✗✗✓✗", "✗✓✗✗", "✗✓✓✗", "✓✗✗✗", "✓✗✓✓", "✓✗✗✓", "✓✓✓✗", "✓✓✗✓", "✓✓✓✓"]
    assert shown["Gain"][0] == "-" and shown["Gain"][4].startswith("+16.0 (15.") and shown["Gain"][9].startswith("+27.")
    assert [is_bold(text) for text in shown["All corruptions"]] == [False] * 9 + [True]
    assert [is_worse(text) for text in shown["All corruptions"]] == [True] * 9 + [False]
    assert shown["p (Holm)"][0] == "" and "n = 3 seeds" in ablation.caption(ablation.points(rows))


def test_effects_and_interactions_by_hand(rows: pd.DataFrame) -> None:
    points = component_effects.points(rows)
    found = points[points["measure"] == "corruption"].set_index("name")
    assert found["pairs"].to_dict() == {"augment": 2, "mix": 4, "noise": 4, "consistency": 2, "mix x noise": 2}
    assert set(found["n"]) == {3}
    noise = [JITTER[s, 1] - JITTER[s, 0] for s in range(3)]
    expected = {
        "augment": 0.16,
        "consistency": 0.01,
        "mix": 0.05 + 0.03 / 2,  # two of its four pairs have noise
        "noise": 0.02 + 0.03 / 2 + fmean(noise),
        "mix x noise": 0.03,
    }
    assert found["difference"].to_dict() == pytest.approx(expected)
    # All settings with noise are one up to constants, all without another, so that of the 45 pairs 25 have the variance
    # of the noise's differences and 20 none, and the prior is their mean; (10 - 1)(3 - 1) degrees of freedom.
    prior, df = 25 / 45 * stdev(noise) ** 2, 18
    for name, pairs in found["pairs"].items():
        corners = 4 if name == "mix x noise" else 2
        error = (prior * corners / 2 / pairs / 3) ** 0.5
        row, half = found.loc[name], stats.t.ppf(0.975, df) * error
        assert row["difference_low"] == pytest.approx(expected[name] - half), name
        assert row["difference_high"] == pytest.approx(expected[name] + half)
    effects = [name for name in found.index if name != "mix x noise"]
    raw = {n: 2 * stats.t.sf(expected[n] / (prior / found["pairs"][n] / 3) ** 0.5, df) for n in effects}
    largest = max(raw, key=raw.__getitem__)
    assert found.loc[largest, "p"] == pytest.approx(max(2 * sorted(raw.values())[-2], raw[largest]), rel=1e-6)
    assert found.loc["mix x noise", "p"] == pytest.approx(2 * stats.t.sf(0.03 / (prior / 3) ** 0.5, df))


def test_latex_needs_no_package_for_the_marks(rows: pd.DataFrame) -> None:
    text = latex(ablation.table(ablation.points(rows)), "", "ablation")
    assert r"\begin{tabular}{ccccrrrrr}" in text and r"$\times$ & $\times$ & $\surd$ & $\times$ & 3 &" in text


def test_one_seed_has_no_significance_and_says_so(rows: pd.DataFrame) -> None:
    one = rows[rows["seed"] == 1]
    points = ablation.points(one)
    unknown = ["std", "gain_low", "gain_high", "gain_p", "p", "difference_low", "detectable"]
    assert points[unknown].isna().all(axis=None) and (points["n"] == 1).all()
    assert not points[["best", "worse"]].any(axis=None)
    shown = ablation.table(points)
    assert shown["Gain"][4] == "+16.0" and set(shown["p (Holm)"]) == {""}
    assert ablation.caption(points).endswith(ONE_SEED)
    effects = component_effects.points(one)
    assert (effects["n"] == 1).all() and effects["p"].isna().all()
    assert component_effects.caption(effects).endswith(ONE_SEED)


def test_gains_are_paired_over_the_seeds_that_both_have(rows: pd.DataFrame, some: list[Trial]) -> None:
    lost = next(t for t in some if not _on(t) and t.seed == 1)
    points = ablation.points(rows[rows["trial"] != lost.key]).query("measure == 'corruption'")
    assert set(points["gain_n"]) == {2} and points.loc[points["base"], "n"].item() == 2
    noise = points[(points["component.noise"] == "on") & (points["component.mix"] == "off")].iloc[0]
    by_label = {t.label: {s.seed: _corruption(s) for s in some if s.label == t.label and s is not lost} for t in some}
    assert noise["gain"] == pytest.approx(fmean(0.02 + JITTER[s, 1] - JITTER[s, 0] for s in (0, 2)))
    numbers = [noise[name] for name in ("gain", "gain_low", "gain_high", "gain_p")]
    assert numbers == pytest.approx(gains(by_label, "Baseline")[noise["label"]], rel=1e-6)


def test_without_the_base_there_is_no_gain_but_there_are_effects(rows: pd.DataFrame, some: list[Trial]) -> None:
    base = {t.key for t in some if not _on(t)}
    left = rows[~rows["trial"].isin(base)]
    points = ablation.points(left)
    assert not points["base"].any() and points["gain"].isna().all() and (points["gain_n"] == 0).all()
    assert not {"Gain", "p (Holm)"} & set(ablation.table(points)) and "so there is no gain" in ablation.caption(points)
    found = component_effects.points(left).query("measure == 'corruption'").set_index("name")["pairs"].to_dict()
    assert found == {"augment": 1, "mix": 3, "noise": 3, "consistency": 2, "mix x noise": 1}


def test_ties_are_all_best(some: list[Trial], tmp_path: Path) -> None:
    points = ablation.points(table(some, tmp_path, lambda trial, *_: 0.7 if _on(trial) else 0.6))
    assert (points["best"] == ~points["base"]).all()


def _made(arms: tuple[Arm, ...], folder: Path, value: Callable[[Trial, str, int], float]) -> pd.DataFrame:
    study = Study(question="?", arms=arms, reports=("ablation",), seeds=2)
    return table(spec.resolve(study, FINGERPRINT), folder, value)


def test_numbers_that_can_be_off_and_categories(tmp_path: Path) -> None:
    """ANT's replay, None or a share, in two designs of gamma: the base of each design is its own."""
    arm = Arm(method="ant", label="ANT", space={
        "p_replay": Grid(None, 0.2, 0.5), "gamma": Grid("differentiated", "constant"),
    })  # fmt: skip
    worth = {None: 0.0, 0.2: 0.1, 0.5: 0.04}
    rows = _made((arm,), tmp_path, lambda t, *_: (
        0.5 + worth[t.params["p_replay"]] + 0.2 * (t.params["gamma"] == "constant") + 0.01 * t.seed
    ))  # fmt: skip
    points = ablation.points(rows).query("measure == 'corruption'").set_index(["component.p_replay", "component.gamma"])
    assert set(points.index) == set(product(("off", "0.2", "0.5"), ("differentiated", "constant")))
    assert points["base"].sum() == 2
    for (replay, _), row in points.iterrows():
        if replay != "off":
            assert row["gain"] == pytest.approx(worth[float(replay)])
    shown = ablation.table(ablation.points(rows))
    assert set(shown["P replay"]) == {"✗", "0.2", "0.5"} and set(shown["Gamma"]) == {"differentiated", "constant"}
    effects = component_effects.points(rows).query("measure == 'corruption'").set_index("name")
    assert effects["difference"].to_dict() == pytest.approx({
        "p_replay (0.2 against off)": 0.1, "p_replay (0.5 against off)": 0.04,
        "gamma (differentiated against constant)": -0.2,
        "p_replay (0.2 against off) x gamma (differentiated against constant)": 0.0,
        "p_replay (0.5 against off) x gamma (differentiated against constant)": 0.0,
    })  # fmt: skip


def test_several_methods_are_a_component_and_a_reference_is_the_base(tmp_path: Path) -> None:
    arms = (
        Arm(method="standard", label="Vanilla"),
        Arm(method="ant", label="ANT", space={"p_replay": Grid(None, 0.2)}),
    )
    rows = _made(arms, tmp_path, lambda t, *_: {"standard": 0.5, "ant": 0.6}[t.method] + 0.001 * t.seed)
    points = ablation.points(rows).query("measure == 'corruption'")
    assert points["component.method"].tolist() == ["standard", "ant", "ant"]
    assert points["component.p_replay"].tolist() == ["-", "off", "on"] and not points["component.p_replay"].isna().any()
    assert component_effects.points(rows)["name"].unique().tolist() == ["p_replay"]


def test_dictionaries_that_are_never_off_are_taken_apart(tmp_path: Path) -> None:
    rows = table(trials("noisymix_levels", seeds=2), tmp_path)
    points = ablation.points(rows)
    names = [name for name in points if name.startswith("component.")]
    assert names == [f"component.{n}" for n in ("mix.alpha", "noise.additive", "noise.multiplicative", "noise.sparse")]
    assert not points["base"].any() and len(points) == 3 * 24
    worth = component_effects.points(rows)
    effects = worth.query("kind == 'effect' and measure == 'clean'").set_index("name")["pairs"]
    assert component_effects.table(worth)["Component"][0] == "mix alpha (1 against 0.2)"
    assert list(ablation.table(points))[:2] == ["Mix alpha", "Noise additive"]
    assert effects["mix.alpha (1 against 0.2)"] == 12 and effects["noise.additive (0.8 against 0.2)"] == 8
