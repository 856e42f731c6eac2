"""Which setting others are compared with, and which ones a figure shows."""

import json
from pathlib import Path
from statistics import fmean

import pandas as pd
import pytest

from reports.core.choose import base, limit_text, strongest
from search_spaces.core.space import Arm, Grid
from tests.reports.loops import accuracies
from tests.support import CORRUPTIONS, table, trials


def _label(rows: pd.DataFrame, config: str | None) -> str | None:
    return None if config is None else rows.loc[rows["config"] == config, "label"].iloc[0]


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        ("augmentation_baselines", "Baseline"),  # the vanilla method
        ("noisymix_ablation", "Baseline"),  # everything off
        ("sigma_sweep", "GNT, sigma 0"),  # no noise
        ("noisymix_levels", None),
    ],
)
def test_the_base_is_training_without_anything(study: str, expected: str | None, tmp_path: Path) -> None:
    rows = table(trials(study, seeds=1), tmp_path)
    assert _label(rows, base(rows)) == expected
    assert base(rows.sample(frac=1, random_state=1)) == base(rows)


def test_beside_a_schedule_the_base_is_the_one_with_fixed_values(tmp_path: Path) -> None:
    phases = ((1, {"sigma": 0.2}),)
    arms = (
        Arm(method="gnt", label="Schedule", space={"sigma": 0.5}, schedule=phases),
        Arm(method="gnt", label="Fixed", space={"sigma": 0.2}),
    )
    some = trials("sigma_sweep", arms=arms, seeds=1)
    rows = table(some, tmp_path)
    assert _label(rows, base(rows)) == "Fixed"
    texts = rows.drop_duplicates("label").set_index("label")["phases"]
    assert json.loads(texts["Schedule"]) == [[1, {"sigma": 0.2}]] and pd.isna(texts["Fixed"])


def test_of_several_vanilla_settings_none_is_the_base(tmp_path: Path) -> None:
    arms = (Arm(method="standard", label="Vanilla", space={"lr": Grid(0.01, 0.1)}),)
    rows = table(trials("sigma_sweep", arms=arms, seeds=1), tmp_path)
    assert base(rows) is None and base(rows[rows["label"] == "Vanilla, lr 0.1"]) is None


def test_the_strongest_by_a_loop_and_the_one_to_keep(tmp_path: Path) -> None:
    rows = table(trials("sigma_sweep", seeds=2), tmp_path)
    found = accuracies(rows)
    labels = {label for label, _ in found}
    mean = {
        label: fmean(fmean(found[label, seed][c].values()) for seed in (0, 1) for c in CORRUPTIONS) for label in labels
    }
    ranked = sorted(labels, key=lambda label: -mean[label])
    configs = dict(rows[["label", "config"]].drop_duplicates().itertuples(index=False, name=None))
    assert strongest(rows, 4) == {configs[label] for label in ranked[:4]}
    assert strongest(rows, 4, configs[ranked[-1]]) == {configs[label] for label in (*ranked[:3], ranked[-1])}
    assert strongest(rows, 100) == set(configs.values())
    clean = rows[rows["benchmark"] == "clean"]
    top = max(labels, key=lambda label: fmean(found[label, seed]["clean"][0] for seed in (0, 1)))
    assert strongest(clean, 1) == {configs[top]}


def test_the_caption_says_what_is_left_out() -> None:
    points = pd.DataFrame({"config": ["a", "b", "b"], "shown": [True, False, False]})
    assert "shows 1 of 2 settings" in limit_text(points) and limit_text(points.assign(shown=True)) == ""
