"""One trial: build, train, evaluate. No Ray, no MLflow."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from study import options
from study.datasets.core.data import Data
from study.evaluation.core.accuracy import accuracy
from study.evaluation.corruptions.catalog import CATALOG
from study.evaluation.rows import Row
from study.lookup import find
from study.results import TRAINING
from study.trial import Point, Trial
from study.versions import versions
from trainers.core.loop import Fit, Recipe
from trainers.core.method import generator

MODEL_STREAM = 0


@dataclass(frozen=True)
class Place:
    """Where trials run. Nothing here decides a number on the same kind of device."""

    device: str = "cpu"
    threads: int = 1


class TrialRun:
    """A trial in a folder of its own: continues from the folder's checkpoint when there is one."""

    def __init__(self, trial: Trial, data: Data, place: Place, folder: Path) -> None:
        if torch.get_num_threads() != place.threads:
            torch.set_num_threads(place.threads)
        device = torch.device(place.device)
        self.trial, self.data, self.folder = trial, data.to(device), folder
        self.model = options.build(
            find("model", trial.model), trial.model_params, shape=self.data.shape, classes=self.data.classes
        )
        self.model.initialise(generator(torch.device("cpu"), trial.seed, MODEL_STREAM))
        self.model.to(device)
        method = options.build(find("method", trial.method), trial.params).to(device)
        recipe = options.build(Recipe, trial.recipe)
        self.fit = Fit(self.model, method, self.data.train, recipe, seed=trial.seed, device=device)
        self.history: list[Point] = []
        self.seconds = 0.0
        """Time spent in training and evaluation, over all continuations."""
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True, map_location=device)
            self.fit.load_state_dict(state["fit"])
            self.history, self.seconds = state["history"], state["seconds"]

    @property
    def checkpoint(self) -> Path:
        """The trial's checkpoint, replaced after every epoch."""
        return self.folder / "checkpoint.pt"

    def epoch(self) -> Point:
        """Trains one epoch, measures validation accuracy, stores the checkpoint and returns the epoch's metrics."""
        start = time.perf_counter()
        metrics = self.fit.run_epoch()
        metrics["val_accuracy"] = accuracy(self.model, self.data.validation)
        self.seconds += time.perf_counter() - start
        point = {"epoch": self.fit.epoch, "time": time.time(), **metrics}
        self.history.append(point)
        self.save()
        return point

    def save(self) -> None:
        """Replaces the checkpoint in one step, so that whoever reads it finds a whole one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "fit": self.fit.state_dict(),
            "history": self.history,
            "seconds": self.seconds,
            "trial": self.trial.key,
        }
        partial = self.checkpoint.with_suffix(f".{os.getpid()}.tmp")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def evaluate(self) -> list[Row]:
        """Returns the rows of every metric the trial names, measured on test data."""
        start = time.perf_counter()
        rows: list[Row] = []
        for name, params in self.trial.evaluate.items():
            rows += options.build(find("metric", name), params, model=self.model, data=self.data)
        self.seconds += time.perf_counter() - start
        return rows

    def table(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Evaluates; returns the trial's rows for `results.write`, history included, and facts about the run."""
        measured = [
            {**row._asdict(), "family": _family(row.corruption), "epoch": self.fit.epoch} for row in self.evaluate()
        ]
        training = [
            {"benchmark": TRAINING, "epoch": int(point["epoch"]), "metric": name, "value": value}
            for point in self.history
            for name, value in point.items()
            if name != "epoch"
        ]
        return training + measured, {"seconds": self.seconds, "versions": versions()}


def _family(corruption: str) -> str | None:
    return CATALOG[corruption].family if corruption in CATALOG else None


def load_data(name: str, params: Mapping[str, Any], root: Path | None = None, download: bool = False) -> Data:
    """Returns the dataset, in the memory of this machine.

    params: checked options. root: folder of its files; None where it needs none or has a default place.
    """
    given = {"root": root, "device": torch.device("cpu"), "download": download}
    loaded: Data = options.build(find("dataset", name), params, **given)
    return loaded
