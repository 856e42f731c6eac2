"""Simulations that gate the statistics of reports: errors, power, coverage, and what racing saves.

    python -m benchmarks.statistics [--studies 2000]

A simulated study has K = 12 settings, shared seeds as blocks of 2 residual standard deviations, and the functions of
reports/core do the rest; "before" is Student's paired t against the best, Holm-corrected (`worse_before`). The
figures repeat: generators are seeded. Standard errors of shares are sqrt(p (1 - p) / studies): 0.005 at 0.05 of 2000.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import ndtr

from reports.core.image_intervals import gains, intervals
from reports.core.racing import ROUNDS, race_round
from reports.core.seed_planning import detectable
from reports.core.significance import LEVEL, holm, with_base, with_best
from reports.core.variance_test import equal_variances

K = 12
COUNTS = (3, 5, 10)
DEVIATIONS = {
    "equal": np.ones(K),
    "1 to 2": np.linspace(1, 2, K),
    "0.3 to 3": np.geomspace(0.3, 3, K),
    "two 4 times": np.r_[4.0, 4.0, np.ones(K - 2)],
}
"""Residual standard deviations of the settings."""
CURVE = np.array([76.0, 76.7, 76.9, 77.4, 79.2, 80.1, 80.0, 80.0, 79.8, 79.3, 78.8, 79.1])
"""Accuracies of the sweep on the digits, in points; residual deviation about 1.0, seeds' 2.5."""
NOMINAL = 0.95
SINGLE = {"gain": "gain", "new": "on a new seed"}
"""Intervals of one difference with a named base: of its mean, and of what a new seed shows."""


def study(
    rng: np.random.Generator, means: np.ndarray, deviations: np.ndarray, seeds: int, block: float = 2.0
) -> pd.DataFrame:
    """Returns values (settings x seeds): means + blocks + residuals."""
    residuals = rng.standard_normal((len(means), seeds)) * deviations[:, None]
    return pd.DataFrame(means[:, None] + rng.normal(0, block, seeds) + residuals)


def row(name: str, cells: list[str], target: str = "") -> None:
    """Prints a line of a table."""
    print(f"  {name:34}" + "".join(f"{cell:>16}" for cell in cells) + (f"   {target}" if target else ""))


def met(values: list[float], goal: Callable[[float], bool], text: str) -> str:
    """Returns what is printed beside a target."""
    return f"target {text}: {'met' if all(map(goal, values)) else 'MISSED'}"


def worse_before(values: pd.DataFrame) -> np.ndarray:
    """Returns which settings the rule of earlier versions calls significantly worse than the best.

    It was Student's two-sided paired t of each against the setting with the best mean, Holm-adjusted over K - 1.
    """
    y = values.to_numpy()
    best = int(y.mean(axis=1).argmax())
    others = np.arange(len(y)) != best
    worse = np.zeros(len(y), bool)
    worse[others] = holm(stats.ttest_rel(y[others], y[best], axis=1).pvalue) < LEVEL
    return worse


def errors(studies: int) -> None:
    """Prints how often any of equal settings is called worse."""
    print("Family-wise error, all settings equal: now (before)")
    row("standard deviations", [f"n = {n}" for n in COUNTS])
    goals = {"equal": 0.06, "1 to 2": 0.09}
    for name, deviations in DEVIATIONS.items():
        now, before = [], []
        for n in COUNTS:
            rng = np.random.default_rng(n)
            draws = [study(rng, np.zeros(K), deviations, n) for _ in range(studies)]
            now.append(np.mean([with_best(values).table["worse"].any() for values in draws]))
            before.append(np.mean([worse_before(values).any() for values in draws[: studies // 4]]))
        goal = goals.get(name)
        target = met(now, lambda share, goal=goal: share <= goal, f"<= {goal}") if goal else ""
        row(name, [f"{a:.3f} ({b:.3f})" for a, b in zip(now, before, strict=True)], target)


def powers(studies: int) -> None:
    """Prints how many of the settings that are worse are called so."""
    print("\nPower: share of the worse settings that are called worse, equal variances: now (before)")
    row("how far apart", [f"n = {n}" for n in COUNTS])
    for name, means in {
        "6 of 12 by 2 sd": np.repeat([0.0, -2.0], 6),
        "6 of 12 by 4 sd": np.repeat([0.0, -4.0], 6),
        "1 of 12 by 4 sd": np.r_[np.zeros(11), -4],
        "11 of 12 by 4 sd (one is better)": np.r_[0, np.full(11, -4.0)],
    }.items():
        now, before, worse = [], [], means < 0
        for n in COUNTS:
            rng = np.random.default_rng(n)
            draws = [study(rng, means, np.ones(K), n) for _ in range(studies)]
            now.append(np.mean([with_best(values).table["worse"].to_numpy()[worse].mean() for values in draws]))
            before.append(np.mean([worse_before(values)[worse].mean() for values in draws]))
        target = met(now[:1], lambda share: share >= 0.9, ">= 0.9 at n = 3") if "4 sd" in name else ""
        row(name, [f"{a:.2f} ({b:.2f})" for a, b in zip(now, before, strict=True)], target)


def coverage(studies: int) -> None:
    """Prints how often intervals hold the truth."""
    print(f"\nCoverage of intervals, nominal {NOMINAL} (target: within 0.02)")
    row("interval, deviations, means", [f"n = {n}" for n in COUNTS])
    for deviations in ("equal", "1 to 2"):
        for where, means in {"all equal": np.zeros(K), "the digits' curve": CURVE}.items():
            shares = [_together(means, DEVIATIONS[deviations], n, studies) for n in COUNTS]
            row(f"best, {deviations}, {where}", [f"{a:.3f}" for a in shares], within(shares))
        ends = {"": 0} if deviations == "equal" else {" (base of 1)": 0, " (base of 2)": K - 1}
        for (column, name), (text, base) in product(SINGLE.items(), ends.items()):
            shares = [_single(column, DEVIATIONS[deviations], n, studies // 2, base) for n in COUNTS]
            row(f"{name}, {deviations}{text}", [f"{a:.3f}" for a in shares], within(shares))


def within(shares: list[float]) -> str:
    """Returns the verdict on coverages."""
    if all(abs(share - NOMINAL) <= 0.02 for share in shares):
        return "met"
    return "MISSED" + (", too wide" if min(shares) > NOMINAL - 0.02 else ", too narrow")


def _together(means: np.ndarray, deviations: np.ndarray, n: int, studies: int) -> float:
    """Returns how often all the intervals of the comparison with the best hold at once."""
    rng, hits = np.random.default_rng(n), 0
    for _ in range(studies):
        comparison = with_best(study(rng, means, deviations, n))
        others = comparison.table.drop(index=comparison.reference)
        truth = means[comparison.reference] - means[others.index]
        hits += bool(((others["low"] <= truth) & (truth <= others["high"])).all())
    return hits / studies


def _single(column: str, deviations: np.ndarray, n: int, studies: int, base: int) -> float:
    """Returns how often an interval of a gain holds, or one of the difference on a new seed, over settings."""
    rng, shares = np.random.default_rng(n), []
    for _ in range(studies):
        comparison = with_base(study(rng, np.zeros(K), deviations, n), base)
        rows = comparison.table.drop(index=base)
        if column == "gain":
            shares.append(((rows["low"] <= 0) & (rows["high"] >= 0)).mean())
            continue
        new = rng.standard_normal(K) * deviations
        error = np.sqrt((1 + 1 / n) * rows["variance"])
        half = stats.t.ppf((1 + NOMINAL) / 2, comparison.df) * error
        shares.append((np.abs(new[rows.index] - new[base] - rows["difference"]) <= half).mean())
    return float(np.mean(shares))


def variances(studies: int) -> None:
    """Prints how often variances are called different, and the power at the smallest detectable difference."""
    print("\nVariances called different at the 0.05 level")
    row("standard deviations", [f"n = {n}" for n in COUNTS])
    for name, deviations in DEVIATIONS.items():
        shares = []
        for n in COUNTS:
            rng = np.random.default_rng(n)
            draws = (study(rng, np.zeros(K), deviations, n).to_numpy() for _ in range(studies))
            shares.append(float(np.mean([equal_variances(values) <= 0.05 for values in draws])))
        row(
            name,
            [f"{a:.3f}" for a in shares],
            met(shares, lambda a: abs(a - 0.05) <= 0.02, "0.05") if name == "equal" else "",
        )
    print("\nPower at the smallest detectable difference (nominal 0.8), one setting better than 11")
    shares = []
    for n in COUNTS:
        rng, gap = np.random.default_rng(n), detectable(2.0, n, K)
        draws = (study(rng, np.r_[gap, np.zeros(K - 1)], np.ones(K), n) for _ in range(studies))
        shares.append(np.mean([with_best(values, best=0).table["worse"].iloc[1:].mean() for values in draws]))
    row("share", [f"{a:.3f}" for a in shares])


def images(studies: int) -> None:
    """Prints the coverage of a gain's intervals over seeds, images and both, and of the two-way bootstrap."""
    print(
        "\nCoverage of a gain's intervals, 3 conditions of 500 images, two settings (probit, shared image difficulty)"
    )
    row("interval, deviation of seeds", [f"n = {n}" for n in COUNTS])
    for spread in (0.05, 0.2):
        hits: dict[str, list[float]] = {"seeds": [], "images": [], "both": [], "two-way bootstrap": []}
        for n in COUNTS:
            rng = np.random.default_rng(n)
            shares = pd.DataFrame([_covered(rng, n, spread, number < studies // 8) for number in range(studies)]).mean()
            for name in hits:
                hits[name].append(float(shares[name]))
        for name, shares in hits.items():
            verdict = within(shares) if name != "two-way bootstrap" else "(percentiles, for comparison)"
            row(f"{name}, {spread}", [f"{a:.3f}" for a in shares], verdict)


def _covered(
    rng: np.random.Generator, seeds: int, spread: float, bootstrap: bool, count: int = 500
) -> dict[str, float]:
    """Returns which intervals of one study hold their own truth.

    P(correct) = Phi(base + gain + seed + condition + image + image by setting): over seeds the truth is for these
    images, over images for these networks, over both for neither.
    """
    conditions, image = np.array([0.5, 0.0, -0.5])[:, None], rng.standard_normal(count)
    correct, truths = [], []
    for level in (1.15, 0.9):
        seed, own = rng.normal(0, spread, (seeds, 1, 1)), image + rng.normal(0, 0.3, count)
        correct.append(rng.random((seeds, 3, count)) < ndtr(level + seed + conditions + own))
        wide = np.sqrt(2 + 0.3**2)
        truths.append(
            (
                ndtr((level + conditions + own) / np.sqrt(1 + spread**2)).mean(),
                ndtr((level + seed + conditions) / wide).mean(),
                ndtr((level + conditions) / np.sqrt(wide**2 + spread**2)).mean(),
            )
        )
    gain = gains(*correct)
    shown, truth = intervals(gain), np.subtract(*truths)
    covered = {
        name: float(low <= value <= high)
        for name, (low, high), value in zip(("seeds", "images", "both"), shown[1:], truth, strict=True)
    }
    low, high = np.quantile(_resampled(gain), [0.025, 0.975]) if bootstrap else (np.nan, np.nan)
    return covered | {"two-way bootstrap": float(low <= truth[2] <= high) if bootstrap else np.nan}


def _resampled(gain: np.ndarray, draws: int = 400) -> np.ndarray:
    """Returns means of gains (seeds, images) with seeds and images drawn with replacement, independently."""
    seeds, count = gain.shape
    rng = np.random.default_rng(0)
    every = (
        np.array(list(product(range(seeds), repeat=seeds))) if seeds < 5 else rng.integers(seeds, size=(draws, seeds))
    )
    rows = gain[every[rng.integers(len(every), size=draws)]].mean(axis=1)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return (rows * weights).sum(axis=1) / count


def racing(studies: int) -> None:
    """Prints what racing costs beside the full grid, and how often it drops a setting as good as the best."""
    print(
        f"\nRacing, rounds of {ROUNDS} seeds: times fewer trials than the grid of {ROUNDS[-1]} seeds / the last round's"
    )
    row("settings, deviation, margin", ["times fewer", "error", "ends"])
    bad = np.full(K, CURVE.max() - 5)
    cases: list[tuple[str, np.ndarray, float, float | None, float | None]] = [
        ("12 equal, 1.0", np.zeros(K), 1.0, None, None),
        *((f"the digits' curve, {sd}", CURVE, sd, None, 1.5) for sd in (0.8, 0.9, 1.0, 1.2)),
        ("curve, 1.0, within 2", CURVE, 1.0, 2.0, None),
        ("12 equal + 12 worse by 5", np.r_[np.full(K, CURVE.max()), bad], 1.0, None, 3.0),
        ("the same, within 3", np.r_[np.full(K, CURVE.max()), bad], 1.0, 3.0, 3.0),
        ("curve + 12 worse by 5", np.r_[CURVE, bad], 1.0, None, 3.0),
        ("one best by 2, 11 + 12 worse by 5", np.r_[CURVE.max(), np.full(11, CURVE.max() - 2), bad], 1.0, None, 3.0),
    ]
    for name, means, deviation, margin, goal in cases:
        rng = np.random.default_rng(0)
        races = pd.DataFrame([_race(rng, means, deviation, margin) for _ in range(studies)])
        full = len(means) * ROUNDS[-1] * studies / races["trials"].sum()
        same = len(means) * races["seeds"].sum() / races["trials"].sum()
        error = races["error"].mean()
        ends = ", ".join(f"{reason} {count / studies:.0%}" for reason, count in Counter(races["reason"]).most_common())
        target = met([error], lambda share: share <= 0.05, "error <= 0.05")
        target += "; " + met([full], lambda times, goal=goal: times >= goal, f">= {goal}") if goal else ""
        row(name, [f"{full:.2f} / {same:.2f}", f"{error:.3f}"], f"{ends:28} {target}")


def _race(rng: np.random.Generator, means: np.ndarray, deviation: float, margin: float | None) -> dict[str, object]:
    """Returns what one race came to."""
    values = study(rng, means, np.full(len(means), deviation), ROUNDS[-1], block=2.5)
    left, trials, before, error = list(values.index), 0, 0, False
    for number, seeds in enumerate(ROUNDS, 1):
        trials += len(left) * (seeds - before)
        before = seeds
        decision = race_round(values.loc[left].iloc[:, :seeds], number, margin=margin)
        error |= any(means[name] == means.max() for name in decision.dropped)
        left = decision.left
        if decision.reason:
            break
    return {"trials": trials, "seeds": before, "error": error, "reason": decision.reason}


def main() -> None:
    """Runs the simulations and prints their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies of a condition's error")
    studies = parser.parse_args().studies
    started = time.perf_counter()
    errors(studies)
    powers(studies // 8)
    coverage(studies // 2)
    variances(studies // 4)
    images(studies)
    racing(studies // 8)
    print(f"\n{studies} studies a condition of the error; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
