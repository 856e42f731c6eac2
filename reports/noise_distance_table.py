"""Robustness to noise as a distance (Rusak et al. 2020, table 2): clean accuracy and epsilon* under three noises."""

import numpy as np
import pandas as pd

from reports.core.report import Report
from reports.core.stats import by_trial, percent

NOISES = {"gaussian": "ε* Gaussian", "uniform": "ε* uniform", "adversarial": "ε* adversarial"}
KEYS = ["arm", "label", "config"]


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting: arm, label, config, n (seeds), generators (a seed), and mean and std of each number.

    clean: accuracy. gaussian, uniform, adversarial: epsilon* in pixel units; adversarial over generators and seeds
    together. An infinite median makes its mean infinite and its std nan; NAME_infinite counts them, NAME_n all.
    """
    medians = table[(table["benchmark"] == "noise_distance") & (table["metric"] == "epsilon_median")]
    if medians.empty:
        return pd.DataFrame()
    clean = by_trial(table).groupby(KEYS, sort=False)["clean"].agg(clean_mean="mean", clean_std="std")
    found = medians.groupby(KEYS, sort=False)["trial"].nunique().rename("n").to_frame().join(clean)
    for noise in NOISES:
        rows = medians[medians["corruption"] == noise]
        if rows.empty:
            continue
        numbers = rows.groupby(KEYS, sort=False)["value"].agg(["count", "mean", _std, _infinite])
        numbers.columns = [f"{noise}_{name}" for name in ("n", "mean", "std", "infinite")]
        found = found.join(numbers)
    adversarial = medians[medians["corruption"] == "adversarial"]
    found["generators"] = adversarial.groupby([*KEYS, "trial"]).size().groupby(KEYS).max()
    return found.reset_index()


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, clean accuracy in percent, the epsilon*s as mean ± std, the largest starred."""
    cells = {"Training": points["label"], "n": points["n"].astype(str)}
    cells["Clean"] = [percent(*pair) for pair in zip(points["clean_mean"], points["clean_std"], strict=True)]
    for noise, name in NOISES.items():
        if f"{noise}_mean" in points:
            columns = points[[f"{noise}_{part}" for part in ("mean", "std", "infinite", "n")]]
            best = columns.iloc[:, 0].max()
            cells[name] = [
                _distance(mean, std, infinite, n) + (" *" if mean == best else "")
                for mean, std, infinite, n in columns.itertuples(index=False)
            ]
    return pd.DataFrame(cells)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    text = (
        "Clean top-1 accuracy in percent, and ε*: the median over test images of the least L2 norm of noise, in pixel "
        "units, that changes a right prediction to a wrong one; 0 where it is wrong already, ∞ where no noise of that "
        f"direction does it. Mean ± standard deviation over n = {_range(points['n'])} seeds"
    )
    if points["generators"].notna().any():
        text += (
            f"; for adversarial noise over {_range(points['generators'].dropna().astype(int))} freshly trained "
            "generators a seed and the seeds together"
        )
    return f"{text}. * is the highest mean of a column; ∞ (k of m): k of m medians are ∞."


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the mean epsilon* under adversarial noise of each arm's best setting, where it is finite."""
    if "adversarial_mean" not in points:
        return {}
    best = points.groupby("arm", sort=False)["adversarial_mean"].max()
    return {f"epsilon.{_key(arm)}": float(value) for arm, value in best.items() if np.isfinite(value)}


def _std(values: "pd.Series[float]") -> float:
    return float(values.std()) if np.isfinite(values).all() else float("nan")


def _infinite(values: "pd.Series[float]") -> int:
    return int(np.isinf(values).sum())


def _distance(mean: float, std: float, infinite: float, n: float) -> str:
    if pd.isna(mean):
        return ""
    if infinite:
        return f"∞ ({infinite:.0f} of {n:.0f})"
    return f"{mean:.2f}" if pd.isna(std) else f"{mean:.2f} ± {std:.2f}"


def _range(counts: "pd.Series[int]") -> str:
    low, high = counts.min(), counts.max()
    return str(low) if low == high else f"{low} to {high}"


def _key(arm: object) -> str:
    """Returns an arm's name in the characters that MLflow takes for a metric."""
    return "".join(c if c.isalnum() or c in "._- " else "_" for c in str(arm))


REPORT = Report(title="Robustness to noise as a distance", points=points, table=table, caption=caption, summary=summary)
