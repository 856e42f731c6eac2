"""Clean against robust accuracy: which settings no other beats in both, the Pareto front."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from reports.core.cells import cell
from reports.core.compare import MARKS, SETTING, compare, marks_note
from reports.core.looks import in_order, looks, shortened
from reports.core.pareto import front
from reports.core.report import Report
from reports.core.stats import MEASURES, by_trial, count_text, percent
from reports.core.style import text_width

X, Y = "clean", "corruption"
LABELLED = 20
"""With more settings only those on the front have a name, a colour and error bars."""
SIDES = (
    (1, 0),
    (1, 1),
    (1, -1),
    (-1, 0),
    (-1, 1),
    (-1, -1),
    (0, 1),
    (0, -1),
    (0.5, 1),
    (-0.5, 1),
    (0.5, -1),
    (-0.5, -1),
)
DISTANCES = (5, 9, 14, 20, 28, 38, 50, 65, 80, 100, 130)
"""Where names are tried, best first: to the right, above, ...; distances in points."""
BESIDE = 9
"""Names further away have a line to their point."""
NEAR = 5
"""Pixels between a name and what it is not to touch."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting: SETTING, n, clean, corruption, of both NAME_std and MARKS (NAME_best, ...); front.

    Means, deviations and marks (`compare`) are over the n seeds that have both accuracies. front: whether no other
    setting's means are at least as high in both and higher in one. Empty below two settings.
    """
    trials = by_trial(table).dropna(subset=[X, Y])
    if trials["config"].nunique() < 2:
        return pd.DataFrame()
    each = compare(trials.melt([*SETTING, "seed"], [X, Y], "measure"), "measure")
    frame = each[each["measure"] == X][[*SETTING, "n"]]
    for measure in (X, Y):
        part = each[each["measure"] == measure].set_index("config")[["mean", "std", *MARKS]]
        frame = frame.join(part.set_axis([measure, *(f"{measure}_{n}" for n in part.columns[1:])], axis=1), on="config")
    on = front(frame[X].to_numpy(), frame[Y].to_numpy())
    return frame.assign(front=on).reset_index(drop=True)


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting, the front first by falling accuracy under corruption: n, both accuracies, the mark."""
    rows = points.sort_values(["front", Y], ascending=False, kind="stable")
    shown = {"Training": list(rows["label"]), "n": [str(n) for n in rows["n"]]}
    for measure in (X, Y):
        of = _of(rows, measure).itertuples()
        shown[MEASURES[measure]] = [cell(percent(r.mean, r.std), r.best, r.worse) for r in of]
    return pd.DataFrame({**shown, "Pareto front": ["✓" if on else "-" for on in rows["front"]]})


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    both = pd.concat([_of(points, X), _of(points, Y)])
    others = " The figure names only the settings of the front, and shows the others in grey without error bars."
    return (
        "Top-1 accuracy in percent on clean images against the mean over all corruptions, mean ± standard deviation "
        f"(error bars) over n = {count_text(points['n'])}. ✓, and the line in the figure: no other setting has both "
        f"means at least as high and one higher. {marks_note(both, _of(points, Y), MEASURES[Y].lower())}"
        f"{others if len(points) > LABELLED else ''}"
    )


def _of(points: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Returns n, mean, std and MARKS of a measure."""
    names = [measure, *(f"{measure}_{name}" for name in ("std", *MARKS))]
    return points[["n", *names]].set_axis(["n", "mean", "std", *MARKS], axis=1)


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the number of settings on the front."""
    return {"pareto_front": float(points["front"].sum())}


def draw(points: pd.DataFrame) -> Figure:
    """Returns the scatter with the front as a step line, and names where they overlap least."""
    settings = in_order(points)
    rows = points.set_index("config").reindex(settings.index)
    figure = Figure(figsize=(text_width(), 3.3), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    named = rows if len(rows) <= LABELLED else rows[rows["front"]]
    others = 100 * rows.drop(named.index)[[X, Y]]
    axis.plot(others[X], others[Y], "o", color="0.65", markersize=3)
    for config, look in looks(settings.loc[named.index]).items():
        row = rows.loc[config]
        x, y = 100 * row[X], 100 * row[Y]
        axis.errorbar(x, y, xerr=_bar(row[f"{X}_std"]), yerr=_bar(row[f"{Y}_std"]), fmt="none", ecolor=look.color,
                      elinewidth=0.7, alpha=0.4)  # fmt: skip
        edge, size = ("black", 6.5) if row["front"] else (look.color, 5)
        axis.plot(x, y, look.marker, color=look.color, markersize=size, markeredgecolor=edge, zorder=3)
    axis.set(xlabel="accuracy on clean images (%)", ylabel="mean accuracy under corruption (%)")
    _front(axis, 100 * rows.loc[rows["front"], [X, Y]].sort_values([X, Y], ascending=[True, False]).to_numpy())
    named = named.sort_values("front", ascending=False, kind="stable")
    texts = [shortened(settings["label"][config]) for config in named.index]
    _names(axis, 100 * rows[[X, Y]].to_numpy(), 100 * named[[X, Y]].to_numpy(), texts)
    return figure


def _front(axis: Axes, members: np.ndarray) -> None:
    """Draws the border of what the front dominates, to the edges of the axis."""
    left, bottom = axis.get_xlim()[0], axis.get_ylim()[0]
    line = np.vstack([(left, members[0, 1]), members, (members[-1, 0], bottom)])
    axis.plot(*line.T, color="0.45", linewidth=1.3, linestyle="--", drawstyle="steps-pre", zorder=2)
    axis.set(xlim=(left, axis.get_xlim()[1]), ylim=(bottom, axis.get_ylim()[1]))


def _bar(std: float) -> float | None:
    return None if math.isnan(std) else 100 * std


def _names(axis: Axes, everything: np.ndarray, places: np.ndarray, texts: list[str]) -> None:
    """Writes each text near its place, over no other text and as few points as can be; a line leads to a far one."""
    figure = axis.get_figure()
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # places on the paper are known once the layout is
    scale = figure.dpi / 72
    dots = axis.transData.transform(everything)
    taken: list[Bbox] = []
    for xy, text in zip(places, texts, strict=True):
        place = axis.transData.transform(xy)
        note = axis.annotate(text, xy, (0, 0), textcoords="offset points", fontsize="small", in_layout=False, zorder=4)
        note.set_path_effects([withStroke(linewidth=2, foreground="white")])
        extent = note.get_window_extent()
        others = dots[np.abs(dots - place).max(axis=1) > 1]
        offsets = [(side, distance) for distance in DISTANCES for side in SIDES]
        boxes = [_box(place, side, distance * scale, extent) for side, distance in offsets]
        costs = [
            _cost(box, others, taken, axis.bbox) + 20 * (distance <= BESIDE and _stray(box, place, others))
            for box, (_, distance) in zip(boxes, offsets, strict=True)
        ]
        best = int(np.argmin(costs))
        box, distance = boxes[best], offsets[best][1]
        taken.append(box)
        note.set_position(((box.x0 - place[0]) / scale, (box.y0 - place[1]) / scale))
        if distance > BESIDE:
            end = axis.transData.inverted().transform(
                (np.clip(place[0], box.x0, box.x1), np.clip(place[1], box.y0, box.y1))
            )
            axis.plot(*zip(xy, end, strict=True), color="0.4", linewidth=0.5, zorder=2.5, scalex=False, scaley=False)


def _box(place: np.ndarray, side: tuple[float, float], distance: float, extent: Bbox) -> Bbox:
    """Returns where a text of this extent lies in pixels, on one side of a place."""
    left = place[0] + side[0] * distance - extent.width * (1 - side[0]) / 2
    bottom = place[1] + side[1] * distance - extent.height * (1 - side[1]) / 2
    return Bbox.from_bounds(left, bottom, extent.width, extent.height)


def _stray(box: Bbox, place: np.ndarray, dots: np.ndarray) -> bool:
    """Returns whether another point is nearer to a text than its own, and would be taken for it."""
    points = np.vstack([place, dots])
    gaps = points - points.clip((box.x0, box.y0), (box.x1, box.y1))
    distances = np.hypot(*gaps.T)
    return bool(distances[1:].min(initial=np.inf) < distances[0] + NEAR)


def _cost(box: Bbox, dots: np.ndarray, taken: list[Bbox], frame: Bbox) -> float:
    """Returns how bad a place is: texts that overlap are worst, then a cut text, then points that are close."""
    texts = sum(box.overlaps(other) for other in taken)
    points = box.padded(NEAR).count_contains(dots)
    inside = frame.contains(box.x0, box.y0) and frame.contains(box.x1, box.y1)
    return 1000.0 * texts + 100.0 * (not inside) + 10.0 * points


REPORT = Report(
    title="Clean against robust accuracy",
    points=points,
    table=table,
    caption=caption,
    headline=True,
    draw=draw,
    summary=summary,
)
