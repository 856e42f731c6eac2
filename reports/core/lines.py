"""Trainings in a figure along a parameter: curves with their best, and what has no place on the axis as lines across.

As in figure 2 of Rusak et al. 2020, a training with a set of values is a line across with a star at each member.
"""

import json
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from reports.core.looks import Look, looks, ring

MARKED = 12
"""A curve through more points has no markers: they would be a thick line."""


def curve_looks(points: pd.DataFrame) -> dict[str, Look]:
    """Returns arm -> look, the same in every figure of a study: curves first, each by name.

    points: as `reports.core.curves.curves` has them.
    """
    curved = points.groupby("arm")["x"].apply(lambda x: x.notna().any())
    arms = pd.Index([*sorted(curved.index[curved]), *sorted(curved.index[~curved])], name="config")
    return looks(pd.DataFrame({"arm": arms, "label": arms}, index=arms))


def draw_curve(
    axis: Axes, x: Any, mean: Any, std: Any, look: Look, name: str, *, opacity: float, marker: str, width: float = 1.1
) -> None:
    """Draws a setting's means, in the axis' unit, with a band of a standard deviation either way; nan is none.

    opacity: of the band. marker: "" for none. width: of the line.
    """
    spread = std.fillna(0)
    axis.fill_between(x, mean - spread, mean + spread, color=look.color, linewidth=0, alpha=opacity)
    axis.plot(x, mean, color=look.color, linestyle=look.linestyle, linewidth=width, marker=marker, markersize=3,
              label=name)  # fmt: skip


def band_opacity(settings: int) -> float:
    """Returns how opaque the bands of so many settings may be that the lines stay visible."""
    return min(0.2, 0.8 / settings)


def draw_line(axis: Axes, rows: pd.DataFrame, look: Look, name: str, *, opacity: float, scale: float = 1) -> None:
    """Draws one arm of `reports.core.curves.curves` in percent, with a band of a standard deviation either way.

    Of a curve the best has a ring, and what is significantly worse than it is hollow. opacity: of the band; 0 for none.
    scale: of lines and markers.
    """
    mean, std = 100 * rows["mean"], 100 * rows["std"].fillna(0)
    if rows["x"].isna().all():
        _across(axis, rows.iloc[0], look, name, opacity, scale)
        return
    size = 4 * scale
    axis.fill_between(rows["x"], mean - std, mean + std, color=look.color, alpha=opacity, linewidth=0)
    axis.plot(rows["x"], mean, color=look.color, linestyle=look.linestyle, linewidth=1.4 * scale, markersize=size,
              marker=look.marker if len(rows) <= MARKED else "", label=name)  # fmt: skip
    if (low := rows["below_optimum"]).any():
        axis.plot(rows["x"][low], mean[low], look.marker, color=look.color, markersize=size, markerfacecolor="white")
    best = rows["x"] == rows["optimum"]
    ring(axis, rows["x"][best], mean[best], look.color, scale)


def _across(axis: Axes, row: Any, look: Look, name: str, opacity: float, scale: float) -> None:
    """Draws a training without a place on the axis: dashed, or with stars at the members of its set."""
    mean, std = 100 * row["mean"], 100 * row["std"]
    members = [] if pd.isna(row["members"]) else json.loads(row["members"])
    dashes = "-" if members else ("--" if look.linestyle == "-" else look.linestyle)
    line: dict[str, Any] = {"color": look.color, "linestyle": dashes, "linewidth": 1.4 * scale}
    axis.axhline(mean, **line)
    star: dict[str, Any] = {"marker": "*", "markersize": 8 * scale, "markeredgewidth": 0} if members else {}
    if members:
        axis.plot(members, [mean] * len(members), **star, color=look.color, linestyle="none", zorder=4)
    axis.plot([], [], **line, **star, label=name)
    if opacity and not pd.isna(std):
        axis.axhspan(mean - std, mean + std, color=look.color, alpha=0.6 * opacity, linewidth=0)
