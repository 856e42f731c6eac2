"""Brings what workers have put into the storage to the machine that launched, and what fails there to the storage."""

from study.ledger.folder import Folder
from study.ledger.trial import Point, Trial


class Keeper:
    """A listener, the first of all: those after it find a trial's table on this machine."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def started(self, trial: Trial) -> None:
        """Nothing: the worker fetches its trial itself."""

    def epoch(self, trial: Trial, point: Point) -> None:
        """Nothing: the worker has kept its checkpoint."""

    def retried(self, trial: Trial, reason: str) -> None:
        """Nothing: another worker will fetch the trial."""

    def finished(self, trial: Trial) -> None:
        """Fetches the trial's table, on validation or test data."""
        self.folder.fetch(self.folder.result(trial.key), self.folder.validation(trial.key), missing=True)

    def interval(self, member: int, epoch: int, trial: Trial, score: float) -> None:
        """Populations have no storage of this kind."""

    def stopped(self, trial: Trial) -> None:
        """Keeps the trial's history."""
        self.folder.keep(self.folder.stopped(trial.key))

    def failed(self, trial: Trial, reason: str) -> None:
        """Keeps the record of the failure."""
        self.folder.keep(self.folder.failure(trial.key))
