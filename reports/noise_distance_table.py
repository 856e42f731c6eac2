"""Robustness to noise as a distance (Rusak et al. 2020, table 2): clean accuracy and epsilon* under three noises."""

import numpy as np
import pandas as pd

from reports.core.cells import cell
from reports.core.compare import SETTING, compare, marks_note, spread
from reports.core.layout import by_setting
from reports.core.report import Report
from reports.core.stats import by_trial, count_text, metric_name, percent

NOISES = {"gaussian": "ε* Gaussian", "uniform": "ε* uniform", "adversarial": "ε* adversarial"}


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and number: SETTING, number, n, mean, std, MARKS, medians, infinite, generators.

    number: clean (accuracy); gaussian, uniform, adversarial: epsilon* in pixel units. n, MARKS: over seeds, where a
    seed's value is the mean over its generators (`compare`). mean, std: of adversarial over the
    `medians`, those of all generators (`generators` a seed) and seeds together, as the paper has it; an infinite one
    makes the mean infinite and the std nan; infinite counts them.
    """
    rows = table[(table["benchmark"] == "noise_distance") & (table["metric"] == "epsilon_median")]
    if rows.empty:
        return pd.DataFrame()
    medians = rows.rename(columns={"corruption": "number"})
    clean = by_trial(table).assign(number="clean").rename(columns={"clean": "value"})
    both = pd.concat([clean[clean["config"].isin(medians["config"])], medians[medians["number"].isin(NOISES)]])
    frame = compare(both, "number").set_index([*SETTING, "number"])
    each = both.dropna(subset="value").groupby([*SETTING, "number"], sort=False)["value"]
    frame[["medians", "mean", "std", "infinite"]] = each.agg(["count", "mean", spread, _infinite])
    frame["generators"] = (frame["medians"] / frame["n"]).round().astype(int)
    return frame.reset_index()


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: n, clean accuracy in percent, the epsilon*s as mean ± std."""
    cells = []
    for row in points.itertuples():
        clean = row.number == "clean"
        text = percent(row.mean, row.std) if clean else _distance(row.mean, row.std, row.infinite, row.medians)
        cells.append(cell(text, row.best, row.worse))
    return by_setting(points, "number", {"clean": "Clean", **NOISES}, cells)


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows."""
    adversarial = points[points["number"] == "adversarial"]
    each = f" (adversarial: each with {count_text(adversarial['generators'], 'freshly trained generator')})"
    text = (
        "Clean top-1 accuracy in percent, and ε*: the median over test images of the least L2 norm of noise, in pixel "
        f"units, that changes a right prediction. Mean ± standard deviation over n = {count_text(points['n'])}"
        f"{each if len(adversarial) else ''}. "
    )
    number = next(name for name in reversed(NOISES) if name in set(points["number"]))
    text += marks_note(points, points[points["number"] == number], NOISES[number], scale=1, unit="")
    if points["infinite"].any():
        text += " ∞ (k of m): k of m medians are ∞, no noise changes them; nothing in such a column can be tested."
    return text


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the mean epsilon* under adversarial noise of each arm's best setting, where it is finite."""
    best = points[points["number"] == "adversarial"].groupby("arm", sort=False)["mean"].max()
    return {f"epsilon.{metric_name(arm)}": float(value) for arm, value in best.items() if np.isfinite(value)}


def _infinite(values: "pd.Series[float]") -> int:
    return int(np.isinf(values).sum())


def _distance(mean: float, std: float, infinite: float, n: float) -> str:
    if pd.isna(mean):
        return ""
    if infinite:
        return f"∞ ({infinite:.0f} of {n:.0f})"
    return f"{mean:.2f}" if pd.isna(std) else f"{mean:.2f} ± {std:.2f}"


REPORT = Report(title="Robustness to noise as a distance", points=points, table=table, caption=caption, summary=summary)
