"""Training noise against test noise: which training sigma is best at which test sigma (Kireev et al. 2022)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import stats

from reports.core.cells import cell
from reports.core.choose import limit_text, strongest
from reports.core.compare import SETTING
from reports.core.heat_map import heat_map
from reports.core.looks import in_order, shortened, signs
from reports.core.report import Report
from reports.core.significance import current_level, level_text
from reports.core.stats import TRIAL, count_text, percent
from reports.core.style import column_width, printed_width, text_width

LIMIT = 40
NAME = "gaussian_noise"
"""The metric whose rows it reads."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and test sigma: arm, label, config, varied, sigma, test_sigma, n, mean, std, best, dip,
    low, deepest, overfits, shown.

    mean, std: accuracy over seeds; test sigma 0 is clean images. sigma: the training sigma, nan where a setting has
    none or several. best: whether no other setting has a higher mean at this test sigma. dip: how much higher a
    setting's accuracy is at its own sigma (interpolated between test sigmas) than here, for weaker noise than its own,
    mean over seeds; low: its lower confidence bound (t, at the level of intervals, divided by the number of weaker
    noises); deepest: whether the dip is the setting's largest. overfits: low is above 0 there, so that the network is
    worse on weaker noise than on that which it was trained with. Empty where no such noise was measured.
    """
    curves = _curves(table)
    if curves.empty:
        return pd.DataFrame()
    keys = [*SETTING, "sigma"]
    grouped = curves.groupby([*keys, "test_sigma"], sort=False, dropna=False)["value"]
    frame = grouped.agg(n="count", mean="mean", std="std").reset_index()
    frame["best"] = frame["mean"] == frame.groupby("test_sigma")["mean"].transform("max")
    dips = pd.DataFrame([row for _, each in curves.groupby("config", sort=False) for row in _dips(each)])
    if dips.empty:
        dips = pd.DataFrame(columns=["config", "test_sigma", "dip", "low", "deepest"])
    frame = frame.merge(dips, on=["config", "test_sigma"], how="left")
    frame["deepest"] = frame["deepest"].eq(True)
    frame["overfits"] = frame["deepest"] & (frame["low"] > 0)
    return frame.assign(shown=frame["config"].isin(strongest(table, LIMIT, None)))


def _curves(table: pd.DataFrame) -> pd.DataFrame:
    """Returns each trial's accuracy at each test sigma, that on clean images at 0 among them."""
    rows = table[(table["benchmark"] == NAME) & table["metric"].isin(["accuracy", "test_sigma"])]
    wide = rows.pivot_table(index=["trial", "severity"], columns="metric", values="value")
    if not {"accuracy", "test_sigma"} <= set(wide):
        return pd.DataFrame()
    noisy = wide.reset_index().rename(columns={"accuracy": "value"})[["trial", "test_sigma", "value"]]
    clean = table[(table["benchmark"] == "clean") & (table["metric"] == "accuracy")]
    clean = clean[clean["trial"].isin(noisy["trial"])][["trial", "value"]].assign(test_sigma=0.0)
    about = table.drop_duplicates("trial")
    trials = about[TRIAL].assign(sigma=pd.to_numeric(about.get("sigma"), errors="coerce"))
    return trials.merge(pd.concat([clean, noisy]), on="trial")


def _dips(curves: pd.DataFrame) -> list[dict[str, object]]:
    """Returns the dips of one setting's trials, a dictionary each weaker test sigma."""
    own = curves["sigma"].iloc[0]
    wide = curves.pivot(index="seed", columns="test_sigma", values="value").dropna(axis="columns").sort_index(axis=1)
    tested = wide.columns.to_numpy(dtype=float)
    if np.isnan(own) or not len(wide) or not tested.min() < own <= tested.max():
        return []
    there = np.array([np.interp(own, tested, row) for row in wide.to_numpy()])
    weaker = tested[tested < own]
    drops = there[:, None] - wide.to_numpy()[:, tested < own]
    mean, low = drops.mean(axis=0), np.full(len(weaker), np.nan)
    if (n := len(wide)) > 1:
        low = mean - stats.t.isf(current_level() / len(weaker), n - 1) * drops.std(axis=0, ddof=1) / np.sqrt(n)
    return [
        {"config": curves["config"].iloc[0], "test_sigma": s, "dip": d, "low": at_least, "deepest": d == mean.max()}
        for s, d, at_least in zip(weaker, mean, low, strict=True)
    ]


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting and a column a test sigma: accuracy in percent, the best marked; the deepest dip."""
    sigmas = sorted(points["test_sigma"].unique())
    rows = []
    for config in in_order(points).index:
        mine = points[points["config"] == config].set_index("test_sigma")
        dips = mine[mine["deepest"] & (mine["dip"] > 0)]
        dip = "".join(f"{100 * each.dip:.1f} at {at:g}{'*' * each.overfits}" for at, each in dips.head(1).iterrows())
        accuracies = {
            f"{s:g}": cell(percent(mine.loc[s, "mean"], mine.loc[s, "std"]), bool(mine.loc[s, "best"]), worse=False)
            if s in mine.index
            else ""
            for s in sigmas
        }
        rows.append({"Training": mine["label"].iloc[0], "n": str(mine["n"].max()), **accuracies, "Dip": dip})
    return pd.DataFrame(rows)


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    return (
        "Top-1 accuracy in percent under Gaussian noise of each test sigma (0: clean images), mean ± standard deviation"
        f" over n = {count_text(points['n'])}; framed and bold: the best training at each. Dip: how many points a "
        "network is better on noise of its own sigma than on weaker noise, where it is worst (triangle); *: above 0 "
        f"with {level_text(1 - current_level())} confidence, so that the network overfits to its sigma."
        f"{limit_text(points)}"
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the deepest dip that is certain, over all settings, where there is one."""
    dips = points.loc[points["overfits"], "dip"]
    return {} if dips.empty else {"deepest_dip": float(dips.max())}


def draw(points: pd.DataFrame) -> Figure:
    """Returns the matrix as a heat map."""
    points = points[points["shown"]]
    settings, sigmas = in_order(points), sorted(points["test_sigma"].unique())
    mean, best, overfits = (
        points.pivot(index="config", columns="test_sigma", values=name).reindex(settings.index)[sigmas]
        for name in ("mean", "best", "overfits")
    )
    texts = mean.map(lambda value: "" if np.isnan(value) else f"{100 * value:.0f}")
    texts = texts.where(overfits.ne(True), texts + "▾")
    names = [shortened(signs(label)) for label in settings["label"]]
    needed = 1.1 + max(map(printed_width, names)) + 0.36 * len(sigmas)
    width = column_width() if needed <= column_width() else text_width()
    figure = Figure(figsize=(width, 0.7 + 0.19 * len(names)), layout="constrained")
    axis = figure.subplots()
    image = heat_map(axis, 100 * mean.to_numpy(float), texts.to_numpy(), [f"{s:g}" for s in sigmas], names)
    for row, column in zip(*np.nonzero(best.eq(True).to_numpy()), strict=True):
        axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="#D55E00", linewidth=1.8))
    axis.set(xlabel="test σ", ylabel="training")
    figure.colorbar(image, ax=axis, label="accuracy (%)", aspect=20, fraction=0.04, pad=0.02)
    return figure


REPORT = Report(
    title="Training noise against test noise", points=points, table=table, caption=caption, draw=draw, summary=summary
)
