"""Decision boundaries side by side, with accuracies (Erichson et al. 2022, figure 4)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.core.cells import cell
from reports.core.compare import MARKS, compare, marks_note
from reports.core.looks import shortened, signs
from reports.core.report import Report
from reports.core.stats import by_trial, count_text, percent
from reports.core.style import PALETTE, text_width

COLUMNS = 3
ROW, POINT = "row ", "point"


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns, of each setting's first finished seed, the grid and the test points; one row each.

    Columns: config, label, seed; n, mean, std and MARKS of clean accuracy over the setting's seeds; length, of the
    boundary in that seed, in units of the square's side (mean over seeds: mean_length); kind "grid" or "point"; first
    and second, coordinates in [0, 1]; value: the probability of class 1, or the point's label. Empty without rows of
    "boundary".
    """
    rows = table[table["benchmark"] == "boundary"]
    if rows.empty:
        return pd.DataFrame()
    clean = compare(by_trial(table).rename(columns={"clean": "value"}).assign(measure="clean"), "measure")
    clean = clean.set_index("config")[["n", "mean", "std", *MARKS]]
    grids = {key: _grid(trial) for key, trial in rows.groupby(["config", "label", "seed"], sort=False)}
    lengths = pd.Series({key: boundary_length(grid) for key, grid in grids.items()})
    parts = []
    for config, group in rows.groupby("config", sort=False):
        seed = group["seed"].min()
        chosen = group[group["seed"] == seed]
        label = chosen["label"].iloc[0]
        part = pd.concat([_grid_points(grids[config, label, seed]), _test_points(chosen)])
        facts = {"config": config, "label": label, "seed": seed, **clean.loc[config]}
        means = {"length": lengths[config, label, seed], "mean_length": lengths[config].mean()}
        parts.append(part.assign(**facts, **means))
    frame = pd.concat(parts, ignore_index=True)
    return frame.astype({"n": int, "best": bool, "worse": bool})


def boundary_length(grid: np.ndarray) -> float:
    """Returns the length of the level line 1/2 of a grid over the unit square, in units of the square's side.

    Crofton's formula on the grid's lines: pi / 4 times the crossings along both axes, times the spacing.
    """
    above = grid >= 0.5
    crossings = (above[1:] != above[:-1]).sum() + (above[:, 1:] != above[:, :-1]).sum()
    return float(np.pi / 4 * crossings / (len(grid) - 1))


def _grid(rows: pd.DataFrame) -> np.ndarray:
    """Returns the probabilities as (second, first)."""
    rows = rows[rows["metric"] == "probability"]
    line = rows["corruption"].str.removeprefix(ROW).astype(int)
    grid: np.ndarray = rows.assign(line=line).pivot(index="line", columns="severity", values="value").to_numpy()
    return grid


def _grid_points(grid: np.ndarray) -> pd.DataFrame:
    axis = np.linspace(0, 1, len(grid))
    second, first = np.meshgrid(axis, axis, indexing="ij")
    return pd.DataFrame({"kind": "grid", "first": first.ravel(), "second": second.ravel(), "value": grid.ravel()})


def _test_points(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["corruption"] == POINT].pivot(index="severity", columns="metric", values="value")
    return pd.DataFrame({"kind": POINT, "first": rows["first"], "second": rows["second"], "value": rows["label"]})


def _settings(points: pd.DataFrame) -> pd.DataFrame:
    return points.drop_duplicates("config")


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, accuracy and the boundary's length, means over seeds."""
    rows = [
        {
            "Training": row.label,
            "n": str(row.n),
            "Clean": cell(percent(row.mean, row.std), row.best, row.worse),
            "Boundary length": f"{row.mean_length:.2f}",
        }
        for row in _settings(points).itertuples()
    ]
    return pd.DataFrame(rows)


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    settings = _settings(points)
    seeds = ", ".join(str(seed) for seed in settings["seed"].unique())
    return (
        f"Probability of class 1 and the decision boundary of one seed ({seeds}), with the test points. Clean accuracy "
        "in percent and the boundary's length in sides of the square (of two around the same points the shorter is the "
        f"smoother) are means over n = {count_text(settings['n'])}. {marks_note(settings, settings, 'clean')}"
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel a setting: shading for the probability, the boundary as a line, and the test points."""
    settings = _settings(points)
    lines = -(-len(settings) // COLUMNS)
    figure = Figure(figsize=(text_width(), (text_width() / COLUMNS + 0.2) * lines), layout="constrained")
    axes = figure.subplots(lines, COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
    for axis in axes[len(settings) :]:
        axis.set_axis_off()
    for axis, row in zip(axes, settings.itertuples(), strict=False):
        mine = points[points["config"] == row.config]
        grid = mine[mine["kind"] == "grid"].pivot(index="second", columns="first", values="value")
        x, y, p = grid.columns.to_numpy(), grid.index.to_numpy(), grid.to_numpy()
        axis.contourf(x, y, p, levels=np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.45)
        if (p < 0.5).any() and (p >= 0.5).any():
            axis.contour(x, y, p, levels=[0.5], colors="black", linewidths=1.3)
        data = mine[mine["kind"] == POINT]
        for label, colour in enumerate(PALETTE[:2]):
            here = data[data["value"] == label]
            axis.plot(here["first"], here["second"], "o", color=colour, markersize=1.8, markeredgewidth=0)
        title = shortened(f"{signs(row.label)} ({percent(row.mean)}%)", 30)
        axis.set(title=title, xticks=[], yticks=[], aspect="equal")
        axis.set(xlim=(0.05, 0.95), ylim=(0.05, 0.95))
    return figure


REPORT = Report(title="Decision boundaries", points=points, table=table, caption=caption, draw=draw)
