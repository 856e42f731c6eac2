"""How settings are told apart, and their order."""

import json
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from reports.core.looks import HATCHES, in_order, looks, marked, marked_note, shortened, signs
from reports.core.style import PALETTE


def _settings(pairs: list[tuple[str, dict[str, Any]]]) -> pd.DataFrame:
    """Settings of these arms and varied values; their labels sort in no useful way."""
    return pd.DataFrame({
        "arm": [arm for arm, _ in pairs], "label": [f"{len(pairs) - i} {arm}" for i, (arm, _) in enumerate(pairs)],
        "varied": [json.dumps(varied) for _, varied in pairs], "config": [f"c{i}" for i in range(len(pairs))],
    })  # fmt: skip


def test_settings_are_in_the_order_of_their_values_whatever_their_labels() -> None:
    points = _settings([("B", {"sigma": 10.0}), ("A", {}), ("B", {"sigma": 9}), ("B", {"sigma": 10.0})])
    assert in_order(points).index.tolist() == ["c2", "c0", "c3", "c1"]
    assert in_order(points)["label"].tolist() == ["2 B", "4 B", "1 B", "3 A"]
    values = [{"lr": lr, "sigma": sigma} for lr, sigma in ((1e-3, 2), (0.1, 0.5), (1e-3, 10), (1e-3, -1))]
    assert in_order(_settings([("B", varied) for varied in values])).index.tolist() == ["c3", "c0", "c2", "c1"]
    mixed = ["cosine", None, [0.1, 9.0], {"alpha": 10}, [0.1, 10.0], {"alpha": 2}, 0.5]
    found = in_order(_settings([("B", {"x": value}) for value in mixed])).index
    assert [mixed[int(config[1:])] for config in found] == [
        *([0.1, 9.0], [0.1, 10.0], 0.5, {"alpha": 2}, {"alpha": 10}, None, "cosine"),
    ]  # fmt: skip


def test_up_to_sixty_settings_differ_in_colour_or_marker_and_bars_and_lines_up_to_32() -> None:
    found = list(looks(in_order(_settings([(f"A{i}", {}) for i in range(60)]))).values())
    assert [look.color for look in found[:8]] == list(PALETTE) and {look.hatch for look in found[:8]} == {HATCHES[0]}
    assert len({(look.color, look.marker) for look in found}) == 60
    assert len({(look.color, look.linestyle) for look in found[:32]}) == 32
    assert len({(look.color, look.hatch) for look in found[:32]}) == 32


def test_many_settings_of_an_arm_go_from_dark_to_light_and_the_others_differ() -> None:
    pairs: list[tuple[str, dict[str, Any]]] = [("GNT", {"sigma": s}) for s in (0.5, 0.1, 1, 10, 2)]
    found = looks(in_order(_settings([*pairs, ("Speckle", {}), ("ANT", {})])))
    light = {c: sum(int(look.color[i : i + 2], 16) for i in (1, 3, 5)) for c, look in found.items()}
    ramp = [light[c] for c in ("c1", "c0", "c2", "c4", "c3")]
    assert ramp == sorted(ramp) and len(set(ramp)) == 5
    assert {found[c].linestyle for c in ("c0", "c1", "c2", "c3", "c4")} == {"-"}
    assert found["c5"].linestyle != "-" and found["c5"].color != found["c6"].color


def test_sigma_has_its_sign_in_figures() -> None:
    assert signs("GNT, sigma 0.5") == "GNT, σ 0.5" and signs("GNT, set of sigmas") == "GNT, set of σ"
    assert signs("training epsilon") == "training ε" and signs("sigma_test, sigmax") == "sigma_test, sigmax"
    assert in_order(_settings([("GNT, sigma 1", {})]))["label"].tolist() == ["1 GNT, σ 1"]


def test_a_long_label_keeps_both_ends() -> None:
    assert shortened("NoisyMix, mix alpha 0.25, noise 3", 20) == "NoisyMix,…5, noise 3"
    assert len(shortened("x" * 50, 21)) == 21 and shortened("short", 5) == "short"


def test_points_have_the_marks_of_tables() -> None:
    axis = Figure().subplots()
    marked(axis, [1.0, 2.0, 3.0], [0, 1, 2], [False, True, False], [True, False, False], "#0072B2")
    drawn = {(line.get_marker(), line.get_markerfacecolor()): line.get_xdata().tolist() for line in axis.lines}
    assert drawn == {("o", "#0072B2"): [2.0, 3.0], ("o", "white"): [1.0], ("o", "none"): [2.0]}
    notes = [marked_note(pd.DataFrame({"best": [b, False], "worse": [False, w]})) for b, w in ((1, 1), (1, 0), (0, 0))]
    assert "ring, what is significantly worse is hollow." in notes[0] and notes[1].endswith("a ring.") and not notes[2]
