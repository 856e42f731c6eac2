"""How settings look in figures, and in which order they come: told apart by more than colour, whatever their number."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reports.core.style import PALETTE

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
LINES: tuple[str | tuple[int, tuple[float, ...]], ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
HATCHES = ("", "////", "....", "xxxx")
RAMP = 4
"""An arm with this many settings has shades of one colour map, in the settings' order."""
RAMPS = ("viridis", "magma")
REFERENCES = ("#D55E00", "#000000", "#CC79A7", "#E69F00")
"""Colours beside a ramp: those of the palette that are none of viridis' own."""


SIGNS = {"sigma": "σ", "sigmas": "σ", "epsilon": "ε"}
"""Parameter -> its sign in figures."""


class Look(NamedTuple):
    """What matplotlib takes for a setting's line (linestyle), point (marker) or bar (hatch)."""

    color: str
    linestyle: str | tuple[int, tuple[float, ...]]
    marker: str
    hatch: str


def signs(text: str) -> str:
    """Returns a text as axes and legends have it: "GNT, sigma 0.5" is "GNT, σ 0.5"."""
    return re.sub(rf"\b({'|'.join(SIGNS)})\b", lambda match: SIGNS[match[0]], text)


def in_order(points: pd.DataFrame) -> pd.DataFrame:
    """Returns arm and label of each setting (index: config): arms as they come, settings of an arm by their values.

    Labels are as figures have them (`signs`).

    The values are those that vary in the arm, the first of them slowest; numbers by size, before all else as text.
    """
    settings = points.drop_duplicates("config").set_index("config")
    arms = {arm: place for place, arm in enumerate(dict.fromkeys(settings["arm"]))}
    about = settings[["arm", "varied"]].itertuples(name=None)
    keys = {config: (arms[arm], _ranks(json.loads(varied))) for config, arm, varied in about}
    ordered = settings.loc[sorted(settings.index, key=keys.__getitem__), ["arm", "label"]]
    return ordered.assign(label=ordered["label"].map(signs))


def looks(settings: pd.DataFrame) -> dict[str, Look]:
    """Returns config -> look of settings `in_order`. An arm of `RAMP` settings or more is a ramp from dark to light.

    The rest take the palette's colours in turn, the next line style, marker and hatch with every round: 32 that differ
    in colour or line, 72 in colour or marker.
    """
    sizes = settings.groupby("arm", sort=False).size()
    ramps = [arm for arm, size in sizes.items() if size >= RAMP]
    colours = REFERENCES if ramps else PALETTE
    frame: dict[str, Look] = {}
    others = 0
    for arm, group in settings.groupby("arm", sort=False):
        if arm in ramps:
            place = ramps.index(arm)
            shades = mpl.colormaps[RAMPS[place % len(RAMPS)]]
            for step, config in enumerate(group.index):
                colour = mpl.colors.to_hex(shades(0.9 * step / (len(group) - 1)))
                frame[config] = Look(colour, LINES[place // len(RAMPS) % len(LINES)], MARKERS[place % len(MARKERS)], "")
            continue
        for config in group.index:
            turn = others // len(colours) + (1 if ramps else 0)
            frame[config] = Look(
                colours[others % len(colours)],
                LINES[turn % len(LINES)],
                MARKERS[(others + len(ramps)) % len(MARKERS)],
                HATCHES[turn % len(HATCHES)],
            )
            others += 1
    return frame


def marked(
    axis: Axes, x: Sequence[float], y: Sequence[float], best: Sequence[bool], worse: Sequence[bool], colour: str
) -> None:
    """Draws points with the marks of tables: the best has a ring, what is significantly worse is hollow."""
    top, low = np.asarray(best, bool), np.asarray(worse, bool)
    across, up = np.asarray(x), np.asarray(y)
    for chosen, face in ((~low, colour), (low, "white")):
        axis.plot(across[chosen], up[chosen], "o", color=colour, markerfacecolor=face, zorder=4)
    ring(axis, across[top], up[top], colour)


def ring(axis: Axes, x: Any, y: Any, colour: str, scale: float = 1) -> None:
    """Draws a ring around points: the mark of the best."""
    axis.plot(x, y, "o", color=colour, markersize=9 * scale, markerfacecolor="none", markeredgewidth=1.1 * scale,
              zorder=5)  # fmt: skip


def marked_note(points: pd.DataFrame) -> str:
    """Returns what captions say of `marked` points; "" where none has a mark."""
    hollow = ", what is significantly worse is hollow" if points["worse"].any() else ""
    return f" In the figure the best has a ring{hollow}." if points["best"].any() else ""


def _ranks(value: Any) -> list[tuple[bool, float, str]]:
    """Returns what sorts JSON values: one entry for each number or text in them."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [rank for part in parts for rank in _ranks(part)]
    if isinstance(value, int | float):
        return [(False, float(value), "")]
    return [(True, 0.0, str(value))]


def shortened(text: str, length: int = 28) -> str:
    """Returns a label of at most `length` characters; the middle gives way, since labels differ at their ends."""
    tail = length // 2
    return text if len(text) <= length else f"{text[: length - tail - 1]}…{text[-tail:]}"
