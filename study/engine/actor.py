"""The worker process's side: one epoch a step, the table at the end."""

from pathlib import Path
from typing import Any

import torch
from ray import tune

from study import results
from study.datasets.core.data import Data
from study.folder import Folder
from study.run import Place, TrialRun
from study.trial import Trial


class TrialActor(tune.Trainable):  # type: ignore[misc]
    """Runs one trial after another; being reused, it pays for imports and data once.

    Its config holds, under "config": "trial" (JSON), "study" (name), "folder" (shared by all nodes) and "place".
    The data comes through Ray's object store: it is read once, by the driver, and sent to each node once.
    """

    def setup(self, config: dict[str, Any], data: Data) -> None:
        """Takes the data onto this worker's device, and its first trial."""
        self.data = data.to(torch.device(config["config"]["place"]["device"]))
        self.take(config["config"])

    def take(self, config: dict[str, Any]) -> None:
        """Builds the trial, or continues it from its checkpoint."""
        self.study = config["study"]
        self.trial = Trial.from_json(config["trial"])
        self.home = Folder(Path(config["folder"]))
        self.run = TrialRun(self.trial, self.data, Place(**config["place"]), self.home.trial(self.trial.key))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next trial in the same process."""
        self.take(new_config["config"])
        return True

    def step(self) -> dict[str, Any]:
        """Trains an epoch; after the last one evaluates and writes the trial's table."""
        point = None if self.run.fit.done else self.run.epoch()
        if self.run.fit.done:
            rows, facts = self.run.table()
            results.write(self.home.result(self.trial.key), self.study, self.trial, rows, facts)
        return {"point": point, "done": self.run.fit.done}
