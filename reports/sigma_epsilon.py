"""Which adversarial-training epsilon is worth as much as a sigma, by worst-case accuracy."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.attack_curve import NORMS
from reports.core.panels import legend_below
from reports.core.report import Report
from reports.core.stats import count_text, percent, resamples
from reports.core.style import PALETTE, text_width

METHODS = {"learned_sigma": "sigma", "adversarial": "epsilon"}


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a tested radius and training: radius, kind (sigma or epsilon), value, n, mean, std, for sigmas
    equal, low, high, beyond, and the norm of all.

    mean, std: worst-case accuracy at the radius, over seeds. equal: the training epsilon of the same mean accuracy, by
    linear interpolation of the accuracy as a function of epsilon, made non-decreasing (a larger epsilon that is worse
    counts as the best smaller one); 0 where vanilla training is as good, and the largest epsilon trained, with
    beyond true, where none is. low, high: its 95% bootstrap interval, over the seeds that every training has, resampled
    for both methods alike; nan with one seed, or none. Empty below two epsilons.
    """
    rows = table[(table["corruption"] == "worst") & table["method"].isin(METHODS)]
    if "learn" in rows:
        rows = rows[(rows["method"] == "adversarial") | (rows["learn"] == "false")]
    methods = rows[rows["metric"] == "accuracy"].groupby("benchmark")["method"].nunique()
    # Radii are of one norm: the first under which both methods are attacked.
    norm = next((norm for norm in NORMS if methods.get(norm, 0) == len(METHODS)), None)
    if norm is None or not {"sigma", "epsilon"} <= set(table):
        return pd.DataFrame()
    rows = rows[rows["benchmark"] == norm]
    if rows.loc[rows["method"] == "adversarial", "epsilon"].nunique() < 2:
        return pd.DataFrame()
    accuracies = rows[rows["metric"] == "accuracy"]
    radius = rows[rows["metric"] == "epsilon"].set_index(["trial", "severity"])["value"].rename("radius")
    accuracies = accuracies.join(radius, on=["trial", "severity"])
    kind = accuracies["method"].map(METHODS)
    value = pd.to_numeric(accuracies["sigma"].where(kind == "sigma", accuracies["epsilon"]))
    accuracies = accuracies[["radius", "seed"]].assign(kind=kind, x=value, accuracy=accuracies["value"])
    frame = accuracies.groupby(["radius", "kind", "x"])["accuracy"].agg(n="count", mean="mean", std="std").reset_index()
    frame[["equal", "low", "high"]] = float("nan")
    frame["beyond"] = False
    for tested, group in accuracies.groupby("radius"):
        for x, numbers in _equals(group).items():
            here = (frame["radius"] == tested) & (frame["kind"] == "sigma") & (frame["x"] == x)
            frame.loc[here, ["equal", "low", "high"]] = numbers[:3]
            frame.loc[here, "beyond"] = numbers[3]
    return frame.rename(columns={"x": "value"}).assign(norm=norm)


def _equals(group: pd.DataFrame) -> dict[float, tuple[float, float, float, bool]]:
    """Returns sigma -> (equal, low, high, beyond) at one radius, from the seeds that every training has."""
    wide = group.pivot_table(index=["kind", "x"], columns="seed", values="accuracy").dropna(axis="columns")
    if not wide.size or not {"sigma", "epsilon"} <= set(wide.index.get_level_values("kind")):
        return {}
    sigmas, epsilons = wide.loc["sigma"], wide.loc["epsilon"]
    grid = epsilons.index.to_numpy(dtype=float)
    if len(grid) < 2:
        return {}
    chosen = resamples(wide.shape[1])
    levels = sigmas.to_numpy()[:, chosen].mean(axis=2)
    curves = epsilons.to_numpy()[:, chosen].mean(axis=2)
    equals = {}
    for row, x in enumerate(sigmas.index):
        mean = float(sigmas.loc[x].mean())
        curve = epsilons.to_numpy().mean(axis=1)
        equal = equal_epsilon(grid, curve, mean)
        low = high = float("nan")
        if wide.shape[1] > 1:
            drawn = [equal_epsilon(grid, curves[:, i], levels[row, i]) for i in range(len(chosen))]
            low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975], method="inverted_cdf"))
        equals[float(x)] = (equal, low, high, mean > curve.max())
    return equals


def equal_epsilon(grid: np.ndarray, accuracy: np.ndarray, level: float) -> float:
    """Returns the smallest epsilon at which the accuracy reaches `level`, linear between the grid's.

    grid: (K,) rising. accuracy: (K,), made non-decreasing by the running maximum. The grid's ends where the level lies
    at or below the first accuracy, or above the highest.
    """
    best = np.maximum.accumulate(accuracy)
    if level <= best[0]:
        return float(grid[0])
    if level > best[-1]:
        return float(grid[-1])
    right = int(np.searchsorted(best, level))
    share = (level - best[right - 1]) / (best[right] - best[right - 1])
    return float(grid[right - 1] + share * (grid[right] - grid[right - 1]))


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a sigma and radius: worst-case accuracy in percent, the equal epsilon, its interval."""
    rows = []
    for point in points[points["kind"] == "sigma"].itertuples():
        rows.append(
            {
                "Radius": f"{point.radius:.3g}",
                "sigma": f"{point.value:g}",
                "n": str(point.n),
                "Worst case": percent(point.mean, point.std),
                "Equal epsilon": "" if pd.isna(point.equal) else f"{'> ' * point.beyond}{point.equal:.3f}",
                "95% interval": "" if pd.isna(point.low) else f"{point.low:.3f} to {point.high:.3f}",
            }
        )
    return pd.DataFrame(rows)


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    return (
        f"Worst-case accuracy in percent at the radius that is attacked ({NORMS[points['norm'].iloc[0]]} norm, pixels "
        f"of [0, 1]), mean ± standard deviation (bands, left) over n = {count_text(points['n'])}. Equal epsilon: of "
        "adversarial training (PGD) with the same mean accuracy, interpolated (>: none trained is as good), with 95% "
        "bootstrap intervals (bands, right) over the seeds that every training has."
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the equal epsilon of the largest sigma at each radius."""
    sigmas = points[(points["kind"] == "sigma") & points["equal"].notna()]
    last = sigmas.sort_values("value").groupby("radius").tail(1)
    return {f"equal_epsilon.{row.radius:.3g}": float(row.equal) for row in last.itertuples()}


def draw(points: pd.DataFrame) -> Figure:
    """Returns two panels: accuracy against epsilon with the sigmas' levels read off it; equal epsilon against sigma."""
    figure = Figure(figsize=(text_width(), 2.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    for index, (radius, group) in enumerate(points.groupby("radius")):
        colour = PALETTE[index % len(PALETTE)]
        curve = group[group["kind"] == "epsilon"].sort_values("value")
        mean, std = 100 * curve["mean"], 100 * curve["std"].fillna(0)
        left.plot(curve["value"], mean, "o-", color=colour, label=f"attacked at {radius:.3g}")
        left.fill_between(curve["value"], mean - std, mean + std, color=colour, alpha=0.2, linewidth=0)
        sigmas = group[(group["kind"] == "sigma") & group["equal"].notna()].sort_values("value")
        left.plot(sigmas["equal"], 100 * sigmas["mean"], "D", color=colour, markerfacecolor="white")
        right.plot(sigmas["value"], sigmas["equal"], "D-", color=colour, markerfacecolor="white")
        right.fill_between(sigmas["value"], sigmas["low"], sigmas["high"], color=colour, alpha=0.2, linewidth=0)
    left.set(title="PGD training (line), σ (diamonds)", xlabel="training ε", ylabel="worst-case accuracy (%)")
    left.set_ylim(bottom=0)
    right.set(title="equal ε", xlabel="training noise σ", ylabel="training ε")
    legend_below(figure, [left])
    return figure


REPORT = Report(
    title="Sigma as an epsilon of adversarial training",
    points=points,
    table=table,
    caption=caption,
    draw=draw,
    summary=summary,
)
