"""The numbers of the tables once more, from raw Parquet files with plain loops: no pandas, none of our arithmetic."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from reports.core.cells import is_bold, is_worse, plain
from study.ledger import results
from study.ledger.trial import Trial
from study.registry.lookup import find
from tests.reports.loops import gains, marks
from tests.support import table, trials

Rows = list[dict[str, Any]]


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values)


def _std(values: Iterable[float]) -> float:
    values = list(values)
    mean = _mean(values)
    return float((sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5)


class Raw:
    """Rows of a folder of Parquet files, as pyarrow reads them, summed up with loops."""

    def __init__(self, folder: Path) -> None:
        self.rows: Rows = [
            row for path in sorted(folder.glob("*/result.parquet")) for row in pq.read_table(path).to_pylist()
        ]
        self.labels = list(dict.fromkeys(row["label"] for row in self.rows))

    def accuracy(self, label: str, seed: int, corruption: str) -> float:
        """Mean over severities of one trial's accuracy under a corruption, or on clean images."""
        found = [
            row["value"] for row in self.rows
            if row["label"] == label and row["seed"] == seed and row["corruption"] == corruption
            and row["metric"] == "accuracy" and row["benchmark"] in ("clean", "common")
        ]  # fmt: skip
        return _mean(found)

    def seeds(self, label: str) -> list[int]:
        return sorted({row["seed"] for row in self.rows if row["label"] == label})

    def families(self) -> dict[str, str]:
        return {row["corruption"]: row["family"] for row in self.rows if row["family"]}

    def measures(self, label: str) -> dict[str, list[float]]:
        """Measure -> one number for each seed."""
        found = defaultdict(list)
        for seed in self.seeds(label):
            each = {name: (family, self.accuracy(label, seed, name)) for name, family in self.families().items()}
            found["Clean"].append(self.accuracy(label, seed, "clean"))
            found["All corruptions"].append(_mean(value for _, value in each.values()))
            found["Without noise"].append(_mean(value for family, value in each.values() if family != "noise"))
        return found


def _value(trial: Trial, corruption: str, severity: int) -> float:
    """An accuracy that depends on the setting and the seed, and a little on chance: some settings are told apart."""
    setting = random.Random(f"{trial.config_id} {corruption}").uniform(0.6, 0.64)
    block = random.Random(f"{trial.seed} {corruption}").gauss(0, 0.02)
    return setting + block - 0.03 * severity + random.Random(f"{trial.key} {corruption} {severity}").gauss(0, 0.01)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Raw tables of two studies; one trial of each is missing."""
    found = {}
    for name in ("sigma_sweep", "noisymix_ablation"):
        found[name] = tmp_path_factory.mktemp(name)
        some: list[Trial] = trials(name, seeds=3)
        table(some[:7] + some[8:], found[name], _value)
    return found


def _marked(name: str, folder: Path) -> list[dict[str, str]]:
    """The report's table with its marks: a dictionary for each row."""
    report = find("report", name)
    shown = report.table(report.points(results.read(sorted(folder.glob("*/result.parquet")))))
    return [{str(column): cell for column, cell in row.items()} for row in shown.to_dict("records")]


def _shown(name: str, folder: Path) -> list[dict[str, str]]:
    """The report's table as people read it, without marks."""
    return [{column: plain(cell) for column, cell in row.items()} for row in _marked(name, folder)]


def _assert_marks(cells: dict[str, str], values: dict[str, dict[int, float]]) -> int:
    """Fails unless the cells (setting -> text) are marked as the values (setting -> seed -> value) ask for.

    Returns the number of daggers.
    """
    best, worse = marks(values)
    assert {label: is_bold(cell) for label, cell in cells.items()} == best
    assert {label: is_worse(cell) for label, cell in cells.items()} == worse
    return sum(worse.values())


def _numbers(cell: str) -> list[float]:
    return [float(text) for text in re.findall(r"-?\d+\.\d+", cell.replace("−", "-"))]


def _percent(*values: float) -> list[float]:
    return [float(f"{100 * value:.1f}") for value in values]


def test_accuracy_curve(folders: dict[str, Path]) -> None:
    raw, counts = Raw(folders["sigma_sweep"]), []
    shown = _shown("accuracy_curve", folders["sigma_sweep"])
    assert len(shown) == len(raw.labels) == 12
    for row in shown:
        label = f"{row['Training']}, sigma {row['sigma']}" if row["sigma"] else row["Training"]
        counts.append(len(raw.seeds(label)))
        assert row["n"] == str(counts[-1])
        for measure, values in raw.measures(label).items():
            assert _numbers(row[measure]) == _percent(_mean(values), _std(values)), (label, measure)
    assert sorted(counts) == [2] + [3] * 11


def test_corruption_table(folders: dict[str, Path]) -> None:
    raw, shown = Raw(folders["sigma_sweep"]), _shown("corruption_table", folders["sigma_sweep"])
    assert {row["Training"] for row in shown} == set(raw.labels)
    for row in shown:
        seeds, measures = raw.seeds(row["Training"]), raw.measures(row["Training"])
        assert _numbers(row["Mean"]) == _percent(_mean(measures["All corruptions"]), _std(measures["All corruptions"]))
        assert _numbers(row["Mean without noise"])[0] == _percent(_mean(measures["Without noise"]))[0]
        for corruption in raw.families():
            values = [raw.accuracy(row["Training"], seed, corruption) for seed in seeds]
            cell = row[corruption.replace("_", " ").capitalize()]
            assert _numbers(cell) == _percent(_mean(values), _std(values)), (row["Training"], corruption)


def test_method_comparison(folders: dict[str, Path]) -> None:
    raw, shown = Raw(folders["sigma_sweep"]), _shown("method_comparison", folders["sigma_sweep"])
    assert [row["Training"] for row in shown] != [] and {row["Training"] for row in shown} == set(raw.labels)
    for row in shown:
        for measure, values in raw.measures(row["Training"]).items():
            expected = _percent(_mean(values), min(values), max(values))
            assert _numbers(row[measure]) == expected, (row["Training"], measure)


def test_marks(folders: dict[str, Path]) -> None:
    """Bold and daggers of two tables, each column by itself, where a seed of one setting is missing."""
    folder, daggers = folders["sigma_sweep"], []
    raw, shown, each = Raw(folder), _marked("method_comparison", folder), _marked("corruption_table", folder)
    for measure in ("Clean", "All corruptions", "Without noise"):
        values = {x: dict(zip(raw.seeds(x), raw.measures(x)[measure], strict=True)) for x in raw.labels}
        daggers.append(_assert_marks({row["Training"]: row[measure] for row in shown}, values))
    for corruption in raw.families():
        column = corruption.replace("_", " ").capitalize()
        values = {label: {s: raw.accuracy(label, s, corruption) for s in raw.seeds(label)} for label in raw.labels}
        daggers.append(_assert_marks({row["Training"]: row[column] for row in each}, values))
    assert 10 < sum(daggers) < 9 * 11 - 10


def test_ablation(folders: dict[str, Path]) -> None:
    """Accuracies of each row, and the gain over the base at the seeds that both have, with its interval."""
    raw, shown = Raw(folders["noisymix_ablation"]), _shown("ablation", folders["noisymix_ablation"])
    assert len(shown) == len(raw.labels) == 10
    report = find("report", "ablation")
    points = report.points(results.read(sorted(folders["noisymix_ablation"].glob("*/result.parquet"))))
    order = list(dict.fromkeys(points["label"]))
    measures = {label: raw.measures(label) for label in order}
    robust = {x: dict(zip(raw.seeds(x), measures[x]["All corruptions"], strict=True)) for x in order}
    expected = gains(robust, "Baseline")
    for row, label in zip(shown, order, strict=True):
        for measure in ("Clean", "All corruptions"):
            assert _numbers(row[measure]) == _percent(_mean(measures[label][measure]), _std(measures[label][measure]))
        if label == "Baseline":
            assert row["Gain"] == "-" and row["p (Holm)"] == ""
        else:
            *numbers, p = expected[label]
            assert _numbers(row["Gain"]) == _percent(*numbers), label
            assert row["p (Holm)"] == f"{p:.3f}" if p >= 0.001 else "<0.001"
    marked = {
        x: row["All corruptions"]
        for x, row in zip(order, _marked("ablation", folders["noisymix_ablation"]), strict=True)
    }
    _assert_marks(marked, robust)
