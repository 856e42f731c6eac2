"""One trial: build, train, evaluate. No Ray, no MLflow."""

import io
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.core.predict import accuracy
from study.evaluation.corruptions.catalog import CATALOG
from study.evaluation.rows import Row
from study.ledger import files
from study.ledger.results import RECORD, TRAINING
from study.ledger.trial import Point, Trial, short
from study.ledger.versions import versions
from study.registry import signature
from study.registry.lookup import find
from study.registry.sources import one_line
from study.work.parents import inherit
from trainers.core.loop import Fit
from trainers.core.method import generator
from trainers.core.recipe import Recipe

MODEL_STREAM = 0
RECORD_STREAM = 3
HEAD_STREAM = 4
"""Of `trainers.core.method.generator`, beside the training loop's own."""
SHOWN = 4
"""Test images on which a method shows what it has become."""


@dataclass(frozen=True)
class Place:
    """Where trials run. Nothing here decides a number on the same kind of device."""

    device: str = "cpu"
    threads: int = 1


class TrialRun:
    """A trial in a folder of its own: continues from the folder's checkpoint when there is one.

    every: seconds from one checkpoint to the next; 0 stores every epoch. The last epoch is always stored.
    """

    def __init__(self, trial: Trial, data: Data, place: Place, folder: Path, every: float = 0.0) -> None:
        if torch.get_num_threads() != place.threads:
            torch.set_num_threads(place.threads)
        self.device = device = torch.device(place.device)
        self.trial, self.data, self.folder = trial, data.to(device), folder
        self.model = signature.build(
            find("model", trial.model), trial.model_params, shape=self.data.shape, classes=self.data.classes
        )
        stream = MODEL_STREAM if trial.parent is None else HEAD_STREAM
        self.model.initialise(generator(torch.device("cpu"), trial.seed, stream))
        if trial.parent is not None and not self.checkpoint.exists():
            inherit(self.model, trial.parent)
        self.model.to(device, memory_format=find("method", trial.method).memory_format(self.model))
        self.every, self._due = every, time.monotonic() + every
        self.storable = True
        """Whether the state is that between two epochs: what an error or a signal left of one cannot be continued."""
        self._best: dict[str, Any] | None = None
        """The weights of the best epoch so far, while best.pt has not got them."""
        self.history: list[Point] = []
        self.seconds = 0.0
        """Time spent in training and evaluation, over all continuations."""
        state = _read(self.checkpoint) if self.checkpoint.exists() else None
        self.fit = self._fit(state["fit"]["epoch"] if state else 0)
        if state:
            self.fit.load_state_dict(state["fit"])
            self.history, self.seconds = state["history"], state["seconds"]

    @property
    def checkpoint(self) -> Path:
        """An epoch's state, replaced now and then: what a continuation needs, and after the last one the weights."""
        return self.folder / "checkpoint.pt"

    @property
    def best(self) -> Path:
        """The weights of the epoch with the best validation accuracy, the first of equals."""
        return self.folder / "best.pt"

    def epoch(self) -> Point:
        """Trains one epoch, measures validation accuracy, stores it if it is time, returns the metrics."""
        start = time.perf_counter()
        self.storable = False
        done = self.fit.epoch
        if done and self.trial.at(done) != self.trial.at(done - 1):
            before, self.fit = self.fit, self._fit(done)
            self.fit.load_state_dict(before.state_dict())
        metrics = self.fit.run_epoch()
        if self.trial.schedule:
            values = self.trial.values_at(done)
            metrics |= {name: float(v) for name, v in values.items() if isinstance(v, int | float)}
        with self.fit.autocast():
            metrics["val_accuracy"] = accuracy(self.fit.measured_model, self.data.validation)
        self.seconds += time.perf_counter() - start
        point = {"epoch": self.fit.epoch, "time": time.time(), **metrics}
        if all(metrics["val_accuracy"] > past["val_accuracy"] for past in self.history):
            weights = {name: value.clone() for name, value in self.fit.measured_model.state_dict().items()}
            self._best = {"fit": {"model": weights}, "history": [point]}
        self.history.append(point)
        self.storable = True
        if self.fit.done or time.monotonic() >= self._due:
            self.save()
        return point

    def _fit(self, epoch: int) -> Fit:
        """Returns a fit of the model with the parameters that hold after so many epochs."""
        params, recipe = self.trial.at(epoch)
        method = signature.build(find("method", self.trial.method), params).to(self.device)
        built = signature.build(Recipe, recipe)
        return Fit(self.model, method, self.data.train, built, seed=self.trial.seed, device=self.device)

    def save(self) -> None:
        """Replaces the best weights and the checkpoint, each in one step: readers find whole ones. Raises StorageError.

        After the last epoch it holds no optimiser and no generators any more: nothing will be trained from it.
        """
        if self._best is not None:
            # Before the checkpoint: a trial that dies between the two repeats the epoch, and has this again.
            self._write(self.best, self._best)
            self._best = None
        fit = self.fit.weights() if self.fit.done else self.fit.state_dict()
        self._write(self.checkpoint, {"fit": fit, "history": self.history, "seconds": self.seconds})
        self._due = time.monotonic() + self.every

    def _write(self, path: Path, state: Mapping[str, Any]) -> None:
        buffer = io.BytesIO()  # torch's own writer hides what the disk says
        torch.save({**state, "trial": self.trial.key}, buffer)
        files.write(path, buffer.getvalue())

    def evaluate(self, only: Collection[str] | None = None, data: Data | None = None) -> list[Row]:
        """Returns the rows of every metric the trial names (or of these alone), measured on the data's test split."""
        start = time.perf_counter()
        rows: list[Row] = []
        supplied = {"model": self.fit.measured_model, "data": data or self.data}
        with self.fit.autocast():
            for name, params in self.trial.evaluate.items():
                if only is None or name in only:
                    rows += signature.build(find("metric", name), params, **supplied)
        self.seconds += time.perf_counter() - start
        return rows

    def table(
        self, only: Collection[str] | None = None, data: Data | None = None
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Evaluates; returns the trial's rows for `results.write`, history included, and facts about the run.

        only: the metrics to measure, all of the trial's if None. data: whose test split is measured, the trial's own if
        None.
        """
        measured = [
            {**row._asdict(), "family": _family(row.corruption), "epoch": self.fit.epoch}
            for row in self.evaluate(only, data)
        ]
        facts = {"seconds": self.seconds, "time": time.time(), "versions": versions()}
        return history_rows(self.history) + measured + self.record(), facts

    def record(self) -> list[dict[str, Any]]:
        """Returns the rows of what the method shows of itself; none for most methods."""
        x, _ = next(self.data.test.batches(SHOWN))
        arrays = self.fit.method.record(x, generator(self.fit.device, self.trial.seed, RECORD_STREAM))
        return [
            {"benchmark": RECORD, "metric": name, "epoch": row, "severity": column, "value": value}
            for name, array in arrays.items()
            for row, values in enumerate(array.tolist())
            for column, value in enumerate(values)
        ]


def _read(path: Path) -> dict[str, Any]:
    """Returns a checkpoint, on the CPU, with nothing run that it may ask for. Raises UserError for a damaged one."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except (UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged, or is no checkpoint of ours; without it the trial starts again") from error
    return state


def history_rows(history: Iterable[Point]) -> list[dict[str, Any]]:
    """Returns the tidy rows of a trial's epochs."""
    return [
        {"benchmark": TRAINING, "epoch": int(point["epoch"]), "metric": name, "value": value}
        for point in history
        for name, value in point.items()
        if name != "epoch"
    ]


def _family(corruption: str) -> str | None:
    return CATALOG[corruption].family if corruption in CATALOG else None


def load_data(name: str, params: Mapping[str, Any], root: Path | None = None, download: bool = False) -> Data:
    """Returns the dataset, in the memory of this machine.

    params: checked options. root: folder of its files; None where it needs none or has a default place. Raises
    UserError like the dataset, and for whatever else a user's own raises.
    """
    supplied = {"root": root, "device": torch.device("cpu"), "download": download}
    with one_line(f"the dataset {short(name)}: ", name):
        loaded = signature.build(find("dataset", name), params, **supplied)
    if not isinstance(loaded, Data):
        kind = type(loaded).__name__
        raise UserError(f"the dataset {short(name)} returns a {kind}; study.datasets.core.data.Data is right")
    return loaded
