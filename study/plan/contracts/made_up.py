"""Tables of trials that were never trained, with made-up numbers: what reports are checked on.

They are written and read as real ones are, and hold rows of every benchmark, metric and record that the package's own
metrics and methods leave, so that each report has something to show.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from search_spaces.core.space import Study
from study.evaluation.rows import Row
from study.ledger import results
from study.ledger.state import State
from study.ledger.trial import Trial
from study.ledger.trial_folder import TrialFolder
from study.plan.space import resolve
from study.registry.lookup import find

FINGERPRINT = "0123456789abcdef"
"""Of data that was never loaded."""
CORRUPTIONS = {
    "gaussian_noise": "noise", "shot_noise": "noise", "defocus_blur": "blur",
    "fog": "weather", "contrast": "digital", "rotate": "geometric",
}  # fmt: skip
"""Corruption -> family."""
C_BAR = {"brownish_noise": "noise", "lines": "occlusion"}


def trials(name: str, **changes: Any) -> list[Trial]:
    """Returns the trials of a named study, changed, with a made-up data fingerprint."""
    study: Study = find("study", name)
    return resolve(replace(study, **changes), FINGERPRINT)


def table(
    some: Sequence[Trial],
    folder: Path,
    value: Callable[[Trial, str, int], float] | None = None,
    state: State = State.FINISHED,
    measured: Sequence[Row] = (),
) -> pd.DataFrame:
    """Returns the tidy table of trials that were never trained, with made-up numbers.

    folder: of the trials' folders. value: accuracy of a trial under a corruption (or "clean") at a severity.
    state: which of a trial's tables it is. measured: rows that every trial has beside, of benchmarks of their own.
    """
    for trial in some:
        rows = list(_rows(trial, value or _made_up))
        benchmarks = {row["benchmark"] for row in rows}
        rows += [{**row._asdict(), "epoch": 2} for row in measured if row.benchmark not in benchmarks]
        path = TrialFolder(folder / trial.key).mark(state)
        results.write(path, "made_up", trial, rows, {"seconds": 1.5, "versions": {}})
    return results.read(TrialFolder(folder / t.key).mark(state) for t in some)


def publish(trial: Trial, folder: Path, benchmark: str = "cifar-10-c", factor: float = 0.5) -> None:
    """Adds a published benchmark to a trial's `table`: that made here with all accuracies times `factor`."""
    path = TrialFolder(folder / trial.key).mark(State.FINISHED)
    rows = results.rows(path)
    copies = [{**r, "benchmark": benchmark, "value": factor * r["value"]} for r in rows if r["benchmark"] == "common"]
    results.write(path, "made_up", trial, rows + copies, results.facts(path))


def correct(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns which of 16 test images are correct under each corruption of a `table`, at random."""
    conditions = rows[rows["headline"] & (rows["metric"] == "accuracy") & rows["family"].notna()]
    names = conditions[["trial", "corruption", "severity"]].astype(str).agg(" ".join, axis=1)
    bits = [hashlib.sha256(name.encode()).digest()[:2] for name in names]
    return conditions.drop(columns=["metric", "value"]).assign(images=16, bits=bits)


def race(some: Sequence[Trial]) -> pd.DataFrame:
    """Returns what two rounds of a race of the trials' settings decided; the last one is dropped after the first."""
    settings = list({trial.config_id: trial for trial in some}.values())
    rows = []
    for number, seeds in ((1, 3), (2, 5)):
        for place, trial in enumerate(settings if number == 1 else settings[:-1]):
            gap = 0.01 * place
            rows.append({
                "config": trial.config_id, "label": trial.label, "round": number, "seeds": seeds, "mean": 0.8 - gap,
                "difference": gap, "low": gap - 0.02 / number, "high": gap + 0.02 / number, "p": 0.5,
                "best": place == 0,
                "dropped": number == 1 and trial is settings[-1], "reason": "limit" if number == 2 else None,
            })  # fmt: skip
    return pd.DataFrame(rows)


def _rows(trial: Trial, value: Callable[[Trial, str, int], float]) -> Iterator[dict[str, Any]]:
    for epoch in (1, 2):
        for metric in ("time", "train_loss", "val_accuracy", "accuracy"):
            yield {"benchmark": results.TRAINING, "epoch": epoch, "metric": metric, "value": 0.1 * epoch}
    clean = {"benchmark": "clean", "corruption": "clean", "severity": 0, "epoch": 2}
    yield {**clean, "metric": "accuracy", "value": value(trial, "clean", 0)}
    for metric in ("top5", "rms_calibration_error", "expected_calibration_error", "aurra"):
        yield {**clean, "metric": metric, "value": 0.987}
    for name, family in CORRUPTIONS.items():
        where = {"benchmark": "common", "family": family, "corruption": name, "epoch": 2}
        for severity in range(1, 6):
            yield {**where, "severity": severity, "metric": "accuracy", "value": value(trial, name, severity)}
            yield {**where, "severity": severity, "metric": "top5", "value": 0.987}
    for name in ("pgd_l2", "ddn_l2", "worst_l2", "pgd_linf"):
        yield {"benchmark": "adversarial", "corruption": name, "severity": 0, "epoch": 2, "metric": "accuracy",
               "value": value(trial, name, 0)}  # fmt: skip
    distance = {"benchmark": "noise_distance", "metric": "epsilon_median", "epoch": 2}
    for name, player in (("gaussian", 0), ("uniform", 0), ("adversarial", 1), ("adversarial", 2)):
        yield {**distance, "corruption": name, "severity": player, "value": 10 * value(trial, name, player)}
    yield from _reliability(trial)
    yield from _gaussian(trial)
    if trial.method == "ant":
        yield from _recorded(trial)
    if trial.method == "learned_sigma":
        yield from _sigma(trial)
    if "robust" in trial.evaluate:
        yield from _attacked(trial)
    if "c_bar" in trial.evaluate:
        yield from _unlike(trial, value)
    if "certified" in trial.evaluate:
        yield from _certified(trial)
    if "fourier" in trial.evaluate:
        yield from _fourier(trial)
    if "step_cost" in trial.evaluate:
        yield from _cost(trial)
    if "boundary" in trial.evaluate:
        yield from _boundary(trial)
    for name in ("clean", "pgd"):  # attacks measure accuracy on images of their own choice
        where = {"benchmark": "linf", "corruption": name, "severity": 0, "epoch": 2}
        yield {**where, "metric": "accuracy", "value": 0.0123}
    for name in ("translate", "tilt"):
        where = {"benchmark": "sequences", "corruption": name, "severity": 1, "epoch": 2}
        yield {**where, "metric": "flip_probability", "value": 0.05}


def _reliability(trial: Trial) -> Iterator[dict[str, Any]]:
    """Three of four bins filled on clean images, all under corruption; shares add up to 1 at a severity."""
    for severity, bins in ((0, (2, 3, 4)), (1, (1, 2, 3, 4)), (5, (1, 2, 3, 4))):
        weights = [_made_up(trial, f"share {b}", severity) for b in bins]
        for number, weight in zip(bins, weights, strict=True):
            where = {"benchmark": "reliability", "corruption": f"bin {number}", "severity": severity, "epoch": 2}
            confidence = (number - _made_up(trial, f"confidence {number}", severity)) / 4
            accuracy = _made_up(trial, f"accuracy {number}", severity)
            values = {"confidence": confidence, "accuracy": accuracy, "share": weight / sum(weights)}
            for name, value in values.items():
                yield {**where, "metric": f"bin_{name}", "value": value}


def _unlike(trial: Trial, value: Callable[[Trial, str, int], float]) -> Iterator[dict[str, Any]]:
    """Accuracy under two of C-bar's corruptions."""
    for name, family in C_BAR.items():
        where = {"benchmark": "c_bar", "family": family, "corruption": name, "epoch": 2}
        for severity in (1, 5):
            yield {**where, "severity": severity, "metric": "accuracy", "value": value(trial, name, severity)}


def _certified(trial: Trial) -> Iterator[dict[str, Any]]:
    """Certified accuracies at three radii for two smoothing sigmas, and what is said of all radii."""
    for name in ("sigma 0.25", "sigma 0.5"):
        where = {"benchmark": "certified", "corruption": name, "epoch": 2}
        for severity, radius in enumerate((0.0, 0.25, 0.5), start=1):
            value = _made_up(trial, name, severity) / severity
            yield {**where, "severity": severity, "metric": "accuracy", "value": value}
            yield {**where, "severity": severity, "metric": "radius", "value": radius}
        for metric, value in {"abstained": 0.1, "average_radius": _made_up(trial, name, 9), "draws": 1100.0}.items():
            yield {**where, "severity": 0, "metric": metric, "value": value}


def _fourier(trial: Trial) -> Iterator[dict[str, Any]]:
    """Errors of 7 x 7 frequencies, point symmetric."""
    for row in range(7):
        for column in range(7):
            where = {"benchmark": "fourier", "corruption": f"row {row}", "severity": column, "epoch": 2}
            number = min(7 * row + column, 48 - 7 * row - column)
            yield {**where, "metric": "error", "value": _made_up(trial, "fourier", number)}


def _gaussian(trial: Trial) -> Iterator[dict[str, Any]]:
    """Accuracy under Gaussian noise of two strengths."""
    for severity, sigma in enumerate((0.2, 0.5), start=1):
        where = {"benchmark": "gaussian_noise", "corruption": "gaussian", "severity": severity, "epoch": 2}
        for metric, value in {"accuracy": _made_up(trial, "gaussian", severity), "test_sigma": sigma}.items():
            yield {**where, "metric": metric, "value": value}


def members(count: int) -> list[Trial]:
    """Returns the members of a population over sigma and the learning rate, as they start."""
    base = trials("sigma_sweep", seeds=1)[0]
    return [
        replace(base, arm=f"member {m}", seed=m, params={**base.params, "sigma": 0.1 * (m + 1)}, varied=("sigma", "lr"))
        for m in range(count)
    ]


def population(some: Sequence[Trial], folder: Path) -> pd.DataFrame:
    """Returns the table of a population over four epochs, in intervals of two; its last member copies the first."""
    for number, trial in enumerate(some):
        copied = number == len(some) - 1
        rows = [{"epoch": 2, "metric": "source", "value": 0.0}] if copied else []
        for epoch in range(1, 5):
            sigma = 0.1 if copied and epoch > 2 else trial.params["sigma"]
            values = {
                "time": 1.0,
                "train_loss": 0.5,
                "val_accuracy": 0.7,
                "sigma": sigma,
                "lr": 1e-3 * (number + epoch),
            }
            rows += [{"epoch": epoch, "metric": name, "value": value} for name, value in values.items()]
        score = 0.9 if copied else 0.8 - 0.01 * number
        rows += [{"epoch": epoch, "metric": "score", "value": score - 0.1 / epoch} for epoch in (2, 4)]
        where = {"benchmark": "population", "severity": number}
        results.write(folder / f"{number}.parquet", "made_up", trial, [{**where, **row} for row in rows], {})
    return results.read(folder / f"{number}.parquet" for number in range(len(some)))


def _recorded(trial: Trial) -> Iterator[dict[str, Any]]:
    """Arrays as ANT records them: densities of two past generators and the present one, patches of two images."""
    arrays = {"density": (3, 64), "clean": (2, 16), "noise": (2, 16), "noisy": (2, 16)}
    for name, (count, width) in arrays.items():
        for row in range(count):
            for column in range(width):
                where = {"benchmark": results.RECORD, "metric": name, "epoch": row, "severity": column}
                yield {**where, "value": _made_up(trial, f"{name} {row}", column) / 5}
    for name, row, column, value in (
        *(("patch", 0, 0, 1), ("patch", 0, 1, 4), ("patch", 0, 2, 4)),
        *(("density_epoch", 0, 0, 1), ("density_epoch", 1, 0, 2)),
    ):
        yield {"benchmark": results.RECORD, "metric": name, "epoch": row, "severity": column, "value": float(value)}


def _sigma(trial: Trial) -> Iterator[dict[str, Any]]:
    """Sigma after two epochs: a fixed one stays, a learned one goes to its square root; of channels, the extremes."""
    sigma = trial.params["sigma"]
    for epoch in (1, 2):
        value = sigma ** (1 / epoch) + 0.01 * trial.seed if trial.params["learn"] else sigma
        watched = {"sigma": value}
        if trial.params["channels"]:
            watched |= {"sigma_min": value / 2, "sigma_max": 2 * value}
        for metric, number in watched.items():
            yield {"benchmark": results.TRAINING, "epoch": epoch, "metric": metric, "value": number}


def _attacked(trial: Trial) -> Iterator[dict[str, Any]]:
    """Accuracies at two radii under plain PGD, transferred images and all attacks, and a flag that even seeds raise."""
    for severity, epsilon in enumerate((0.1, 0.2), start=1):
        where = {"benchmark": "linf", "severity": severity, "epoch": 2}
        for name in ("pgd", "transfer", "worst"):
            value = _made_up(trial, name, severity) / severity
            yield {**where, "corruption": name, "metric": "accuracy", "value": value}
        yield {**where, "corruption": "worst", "metric": "epsilon", "value": epsilon}
        yield {**where, "corruption": "masking", "metric": "flag", "value": float(trial.seed % 2 == 0)}


def _cost(trial: Trial) -> Iterator[dict[str, Any]]:
    """What steps cost: three ways of training, one of them with two numbers of attack steps."""
    for place, (name, k) in enumerate((("vanilla", 0), ("closed form", 0), ("PGD training", 1), ("PGD training", 7))):
        where = {"benchmark": "step_cost", "corruption": name, "severity": k, "epoch": 2}
        ratio = 1 + place * (1 + 0.1 * trial.seed)
        numbers = {"ratio": ratio, "ratio_low": 0.9 * ratio, "ratio_high": 1.2 * ratio}
        for metric, value in {**numbers, "seconds": 0.01 * ratio, "memory": 1e6 * (1 + place)}.items():
            yield {**where, "metric": metric, "value": value}


def _boundary(trial: Trial) -> Iterator[dict[str, Any]]:
    """A boundary that runs straight across a 3 x 3 grid, and two points."""
    constant = {"benchmark": "boundary", "epoch": 2}
    for second in range(3):
        for first in range(3):
            where = {"corruption": f"row {second}", "severity": first, "metric": "probability"}
            yield {**constant, **where, "value": 0.25 * first + 0.01 * trial.seed}
    for index in range(2):
        for metric, value in {"first": 0.3 + 0.4 * index, "second": 0.5, "label": float(index)}.items():
            yield {**constant, "corruption": "point", "severity": index, "metric": metric, "value": value}


def _made_up(trial: Trial, corruption: str, severity: int) -> float:
    seed = hashlib.sha256(f"{trial.key} {corruption} {severity}".encode()).digest()
    return random.Random(seed).uniform(0.3, 0.9)
