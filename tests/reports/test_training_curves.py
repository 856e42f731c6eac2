"""Curves of training, beside means of the epochs' numbers."""

from pathlib import Path

import pandas as pd
import pytest

from reports.training_curves import REPORT
from study.ledger import results
from study.ledger.state import State
from study.ledger.trial import Trial
from study.ledger.trial_folder import TrialFolder
from tests.support import table, trials

TRIALS = [t for t in trials("sigma_sweep", seeds=2) if t.label in ("GNT, sigma 0", "GNT, sigma 0.5")]


def _value(trial: Trial, metric: str, epoch: int) -> float:
    """A made-up number of an epoch; accuracies fall after the second."""
    own = 0.01 * trial.seed + 0.1 * float(trial.params["sigma"])
    return own + (1 / epoch if metric == "train_loss" else 0.6 - 0.1 * abs(epoch - 2))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder: Path = tmp_path_factory.mktemp("results")
    table(TRIALS, folder)
    for trial in TRIALS:
        path = TrialFolder(folder / trial.key).mark(State.FINISHED)
        others = [row for row in results.rows(path) if row["benchmark"] != results.TRAINING]
        epochs = [
            {"benchmark": results.TRAINING, "epoch": epoch, "metric": metric, "value": _value(trial, metric, epoch)}
            for epoch in range(1, 5 - trial.seed)  # the second seed ends an epoch earlier
            for metric in ("train_loss", "val_accuracy", "time")
        ]
        results.write(path, "s", trial, others + epochs, results.facts(path))
    return results.read(TrialFolder(folder / t.key).mark(State.FINISHED) for t in TRIALS)


def test_means_are_over_the_seeds_that_have_the_epoch(rows: pd.DataFrame) -> None:
    points = REPORT.points(rows).set_index(["label", "metric", "epoch"])
    assert len(points) == 2 * 2 * 4
    for trial in TRIALS[::2]:
        for metric in ("train_loss", "val_accuracy"):
            for epoch in (1, 2, 3):
                both = [_value(t, metric, epoch) for t in TRIALS if t.label == trial.label]
                row = points.loc[(trial.label, metric, epoch)]
                assert row["n"] == 2 and row["mean"] == pytest.approx(sum(both) / 2)
                assert row["std"] == pytest.approx(abs(both[0] - both[1]) / 2**0.5)
            assert points.loc[(trial.label, metric, 4), "n"] == 1


def test_the_table_has_the_last_epoch_and_the_best(rows: pd.DataFrame) -> None:
    shown = REPORT.table(REPORT.points(rows)).set_index("Training")
    assert shown.loc["GNT, sigma 0.5"].to_dict() == {
        "n": "2", "Epochs": "4", "Training loss": "0.300", "Validation accuracy": "45.0", "Best after epoch": "2"
    }  # fmt: skip
