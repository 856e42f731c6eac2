"""How settings are told apart, and their order."""

import pandas as pd

from reports.core.looks import HATCHES, in_order, looks, natural, shortened
from reports.core.style import PALETTE


def _settings(pairs: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["arm", "label"]).assign(config=[f"c{i}" for i in range(len(pairs))])


def test_labels_are_in_the_order_of_their_numbers() -> None:
    labels = ["lr 1e-3, sigma 2", "lr 0.1, sigma 0.5", "lr 1e-3, sigma 10", "lr 1e-3, sigma -1"]
    assert sorted(labels, key=natural) == [labels[3], labels[0], labels[2], labels[1]]
    points = _settings([("B", "B, sigma 10"), ("A", "A"), ("B", "B, sigma 9"), ("B", "B, sigma 10")])
    assert in_order(points)["label"].tolist() == ["B, sigma 9", "B, sigma 10", "B, sigma 10", "A"]
    assert in_order(points).index.tolist() == ["c2", "c0", "c3", "c1"]


def test_up_to_sixty_settings_differ_in_colour_or_marker_and_bars_and_lines_up_to_28() -> None:
    found = list(looks(in_order(_settings([(f"A{i}", f"A{i}") for i in range(60)]))).values())
    assert [look.color for look in found[:7]] == list(PALETTE) and {look.hatch for look in found[:7]} == {HATCHES[0]}
    assert len({(look.color, look.marker) for look in found}) == 60
    assert len({(look.color, look.linestyle) for look in found[:28]}) == 28
    assert len({(look.color, look.hatch) for look in found[:28]}) == 28


def test_many_settings_of_an_arm_go_from_dark_to_light_and_the_others_differ() -> None:
    pairs = [("GNT", f"GNT, sigma {s}") for s in (0.5, 0.1, 1, 10, 2)]
    found = looks(in_order(_settings([*pairs, ("Speckle", "Speckle"), ("ANT", "ANT")])))
    light = {c: sum(int(look.color[i : i + 2], 16) for i in (1, 3, 5)) for c, look in found.items()}
    ramp = [light[c] for c in ("c1", "c0", "c2", "c4", "c3")]
    assert ramp == sorted(ramp) and len(set(ramp)) == 5
    assert {found[c].linestyle for c in ("c0", "c1", "c2", "c3", "c4")} == {"-"}
    assert found["c5"].linestyle != "-" and found["c5"].color != found["c6"].color


def test_a_long_label_keeps_both_ends() -> None:
    assert shortened("NoisyMix, mix alpha 0.25, noise 3", 20) == "NoisyMix,…5, noise 3"
    assert len(shortened("x" * 50, 21)) == 21 and shortened("short", 5) == "short"
