"""The numbers of the tables once more, from raw Parquet files with plain loops: no pandas, none of our arithmetic."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from reports.core.cells import plain
from study.ledger import results
from study.ledger.trial import Trial
from study.registry.lookup import find
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


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Raw tables of two studies; one trial of each is missing."""
    found = {}
    for name in ("sigma_sweep", "noisymix_ablation"):
        found[name] = tmp_path_factory.mktemp(name)
        some: list[Trial] = trials(name, seeds=3)
        table(some[:7] + some[8:], found[name])
    return found


def _shown(name: str, folder: Path) -> list[dict[str, str]]:
    """The report's table as people read it: a dictionary for each row."""
    report = find("report", name)
    rows = results.read(sorted(folder.glob("*/result.parquet")))
    shown = report.table(report.points(rows))
    return [{str(column): plain(cell) for column, cell in row.items()} for row in shown.to_dict("records")]


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


def test_ablation(folders: dict[str, Path]) -> None:
    """Accuracies of each row, and the gain over the base at the seeds that both have."""
    raw, shown = Raw(folders["noisymix_ablation"]), _shown("ablation", folders["noisymix_ablation"])
    assert len(shown) == len(raw.labels) == 10
    report = find("report", "ablation")
    points = report.points(results.read(sorted(folders["noisymix_ablation"].glob("*/result.parquet"))))
    order = list(dict.fromkeys(points["label"]))
    base = raw.measures("Baseline")["All corruptions"]
    for row, label in zip(shown, order, strict=True):
        measures = raw.measures(label)
        for measure in ("Clean", "All corruptions"):
            assert _numbers(row[measure]) == _percent(_mean(measures[measure]), _std(measures[measure])), label
        common = set(raw.seeds(label)) & set(raw.seeds("Baseline"))
        by_seed = dict(zip(raw.seeds(label), measures["All corruptions"], strict=True))
        before = dict(zip(raw.seeds("Baseline"), base, strict=True))
        gains = [by_seed[seed] - before[seed] for seed in sorted(common)]
        if label == "Baseline":
            assert row["Gain"] == "-"
        else:
            assert _numbers(row["Gain"]) == _percent(_mean(gains), _std(gains)), label
